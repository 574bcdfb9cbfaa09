package shoppers

import "time"

// Truth is what really happened, person by person.
type Truth struct {
	Begin  time.Time `json:"begin"`
	Days   int       `json:"days"`
	Carts  int       `json:"carts"` // of people, not robots
	Robots int       `json:"robots"`
	// Reached is how many came at least to each step.
	Reached map[string]int `json:"reached"`
	Orders  int            `json:"orders"`
	// Left is how many left at some time, by why they did.
	Left map[string]int `json:"left"`
	// Back is how many of those bought in the end, by what brought them back.
	Back map[string]int `json:"back"`
	// Reminded is who got a reminder; Lift is by how many per 10,000 of them more
	// buy than would have without it.
	Reminded int   `json:"reminded"`
	LiftBps  int64 `json:"lift_bps"`
	// Reasons are the true ones by cart, of those that left.
	Reasons map[string]string `json:"-"`
	// Told are the carts whose owner has said why.
	Told map[string]bool `json:"-"`
	// Bought are the carts of which an order came in the end.
	Bought map[string]bool `json:"-"`
}

// ladder is the order of the steps.
var ladder = []string{stepCart, stepContact, stepAddress, stepShipping, stepPayment, stepOrder}

func (p *play) truth() *Truth {
	t := &Truth{
		Begin: p.plan.Begin, Days: p.plan.Days, Reached: map[string]int{}, Left: map[string]int{}, Back: map[string]int{},
		Reasons: map[string]string{}, Told: map[string]bool{}, Bought: map[string]bool{},
	}
	more := 0
	for _, j := range p.journal {
		if j.robot {
			t.Robots++
			continue
		}
		if j.cart == "" {
			continue // their day never came
		}
		t.Carts++
		for _, s := range ladder {
			t.Reached[s]++
			if s == j.reached {
				break
			}
		}
		if j.order != "" {
			t.Orders++
		}
		if j.reason == "" {
			continue
		}
		t.Left[j.reason]++
		t.Reasons[j.firstCart], t.Told[j.firstCart] = j.reason, j.told
		if j.order != "" {
			t.Back[j.by]++
			t.Bought[j.firstCart] = true
		}
		if j.mails > 0 {
			t.Reminded++
			if j.clicks && !j.returns {
				more++
			}
		}
	}
	if t.Reminded > 0 {
		t.LiftBps = int64(more) * 10_000 / int64(t.Reminded)
	}
	return t
}
