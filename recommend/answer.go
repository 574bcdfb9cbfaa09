package recommend

import (
	"context"
	"fmt"
	"time"
)

// Tasks are the questions that a file may hold, with the surface that answers.
var Tasks = map[string]Surface{"cart1": Product, "cart3": Cart, "new": Unseen, "next": Home}

// Answer ranks n items for each question of a task, learning from the log as it
// stood at now.
func Answer(ctx context.Context, l *Log, now time.Time, task string, queries []Query, n int) (map[string][]string, error) {
	surface, known := Tasks[task]
	if !known {
		return nil, fmt.Errorf("there is no task %q", task)
	}
	r := NewRanker(l, now, Defaults(surface, l))
	lists := make(map[string][]string, len(queries))
	for _, q := range queries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var items []int32
		for _, name := range q.Items {
			if i := l.Number(name); i >= 0 {
				items = append(items, i)
			}
		}
		var list []Suggestion
		switch surface {
		case Product, Cart:
			list = r.Beside(items, n)
		case Unseen:
			list = r.For(q.Name, true, items, n)
		case Home:
			list = r.For(q.Name, false, nil, n)
		}
		names := make([]string, len(list))
		for i, s := range list {
			names[i] = l.Items[s.Item]
		}
		lists[q.Name] = names
	}
	return lists, nil
}
