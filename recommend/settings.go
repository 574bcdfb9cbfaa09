package recommend

import "time"

// defaults were searched on a gift retailer's October after ten months of orders
// (Online Retail, UCI 352), one number at a time, by NDCG@20.
var defaults = map[Surface]Settings{
	Product: {
		Table: Params{A: .5, B: .5, C: .35, Half: 120, Shrink: 1, Keep: keep, Most: most},
		Prior: .001, Trend: .2, TrendHalf: 7,
	},
	Cart: {
		Table: Params{A: .8, B: .7, C: .35, Half: 60, Shrink: 3, Keep: keep, Most: most},
		Prior: .01, TrendHalf: 14,
	},
	Unseen: {
		Table:       Params{A: 1, B: .3, C: .45, Half: 45, Shrink: 3, Keep: keep, Most: most},
		HistoryHalf: 45, HistorySpread: 1, Prior: .1, TrendHalf: 14,
	},
	Home: {
		Table:       Params{A: 1.1, B: .7, C: .45, Half: 180, Shrink: 12, Keep: keep, Most: most},
		HistoryHalf: 180, Repeat: 1.5, RepeatHalf: 365, Prior: .03, Trend: .1, TrendHalf: 60,
	},
}

// young are for shops of few orders, in which one pair of purchases says little
// and what sells at all says much: searched on one week of the same retailer.
var young = map[Surface]Settings{
	Product: {
		Table: Params{A: .5, B: .7, C: .2, Half: 30, Shrink: 2, Keep: keep, Most: most},
		Prior: 1, Trend: .3, TrendHalf: 21,
	},
	Cart: {
		Table: Params{A: .5, B: .4, C: .25, Half: 120, Shrink: 2, Keep: keep, Most: most},
		Prior: 1, TrendHalf: 14,
	},
}

// fewOrders is up to where a shop is young.
const fewOrders = 2000

// keep is how many neighbours of an item a table holds; most is how many items
// of a large order are looked at, so that a wholesaler's does not cost its square.
const keep, most = 400, 500

// untimed are for purchases without times, of which each person's are one basket:
// searched on Gowalla's check-ins by Recall@20.
var untimed = Settings{Table: Params{A: .5, B: .7, C: .3, Keep: keep, Most: most}, Prior: 1e-4}

// Defaults are the settings of a surface for a log.
func Defaults(s Surface, l *Log) Settings {
	if !l.Timed {
		return untimed
	}
	if few, ok := young[s]; ok && len(l.Orders) < fewOrders {
		return few
	}
	return defaults[s]
}

// End is the moment after the last order of a log.
func (l *Log) End() time.Time {
	if len(l.Orders) == 0 {
		return time.Time{}
	}
	return l.Orders[len(l.Orders)-1].At.Add(time.Second)
}
