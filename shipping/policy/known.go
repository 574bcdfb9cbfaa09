package policy

// number is a fact that is a whole number; false when it is missing.
func (c *call) number(f fieldID, it *item, o *origin) (int64, bool) {
	switch f {
	case destDistance:
		return given(c.req.Dest.DistanceKM)
	case cartSubtotal:
		return c.subtotal, c.known
	case cartDiscounted:
		return c.discounted, c.known
	case cartQuantity:
		return c.whole.quantity, c.known
	case cartLines:
		return c.whole.lines, c.known
	case cartWeight:
		return grams(c.whole.ng), c.known && !c.whole.unweighed
	case cartVolume:
		return c.whole.volume, c.known && !c.whole.unsized
	case cartHS6:
		return c.hs6, c.known && c.hs6 >= 0
	case customerOrders:
		return given(c.req.Customer.OrdersCount)
	case nowTime, nowWeekday, nowDate, nowToCutoff:
		return c.timeNumber(f, o)
	}
	if it != nil {
		return it.number(f)
	}
	return c.methodNumber(f)
}

func (it *item) number(f fieldID) (int64, bool) {
	switch f {
	case itemQuantity:
		return it.Quantity, true
	case itemUnitPrice:
		return it.unitHome, true
	case itemSubtotal:
		return it.atHome, true
	case itemWeight:
		return grams(it.ng / it.Quantity), it.weighed
	case itemLongest:
		return it.longest, it.sized
	}
	return 0, false
}

func (c *call) methodNumber(f fieldID) (int64, bool) {
	m := &c.now
	switch f {
	case quotePrice:
		return m.running, true
	case quoteTransit:
		if m.transit == nil {
			return 0, false
		}
		return m.transit.Max, true
	}
	if m.pack == nil {
		return 0, false
	}
	switch f {
	case parcelBillable:
		return m.pack.heaviest, m.pack.weighed
	case parcelActual:
		return m.pack.actual, m.pack.weighed
	case parcelLongest:
		return m.pack.longest, m.pack.sized
	case parcelGirth:
		return m.pack.girth, m.pack.sized
	case parcelCount:
		return int64(len(m.pack.parcels)), m.pack.counted
	}
	return 0, false
}

func (c *call) timeNumber(f fieldID, o *origin) (int64, bool) {
	t, ok := c.clockOf(o)
	if !ok {
		return 0, false
	}
	switch f {
	case nowTime:
		return int64(t.Hour()*60 + t.Minute()), true
	case nowWeekday:
		return weekdayOf(t), true
	case nowDate:
		return dayNumber(t), true
	}
	if o == nil {
		o = c.p.home
	}
	if o == nil || o.cutoff < 0 {
		return 0, false
	}
	_, at := o.accept(c.req.Now, o.cutoff, nil)
	return int64(at.Sub(c.req.Now).Minutes()), true
}

func given(v *int64) (int64, bool) {
	if v == nil {
		return 0, false
	}
	return *v, true
}

// text is a fact that is a text, in its comparable writing.
func (c *call) text(f fieldID, it *item) (string, bool) {
	var s string
	switch f {
	case destCountry:
		s = c.dest.country
	case destRegion:
		s = c.dest.region
	case destCity:
		s = c.dest.city
	case customerLanguage:
		s = c.req.Customer.Language
	case orderChannel:
		s = c.req.Order.Channel
	case orderCurrency:
		s = c.currency
	case orderPayment:
		s = c.req.Order.PaymentMethod
	case quoteCarrier:
		s = c.now.m.carrier
	case quoteService:
		s = c.now.m.service
	case quoteSource:
		s = c.now.source
	case itemSKU:
		s = it.SKU
	case itemHazmat: // goods without a class are not hazardous: that is known
		return it.HazmatClass, true
	case itemProfile: // goods without a profile have the usual one
		return it.Profile, true
	case itemOriginCountry:
		s = it.country
	case itemHS:
		s = it.hs
	case itemOrigin:
		s = it.Origin
	}
	return s, s != ""
}

func (c *call) flag(f fieldID, it *item) tri {
	switch f {
	case destResidential:
		return c.dest.residential
	case destPOBox:
		return c.dest.poBox
	case destMilitary:
		return c.dest.military
	case customerNew:
		if n, ok := given(c.req.Customer.OrdersCount); ok && c.req.Customer.IsNew == nil {
			return truth(n == 0)
		}
		return answered(c.req.Customer.IsNew)
	case orderGift:
		return truth(c.req.Order.IsGift)
	case orderReturn:
		return truth(c.req.Order.IsReturn)
	case orderInbound:
		return truth(c.req.Order.IsInbound)
	case itemFragile:
		return truth(it.Fragile)
	}
	return unknown
}

// list is a fact that is several texts. An absent list is an empty one.
func (c *call) list(f fieldID, it *item) ([]string, bool) {
	switch f {
	case cartPromoCodes:
		return c.promoCodes, true
	case customerGroups:
		return c.req.Customer.Groups, true
	case itemTags:
		return it.Tags, true
	case itemCategories:
		return it.Categories, true
	}
	return nil, false
}
