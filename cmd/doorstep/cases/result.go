package cases

// Result is what came of a case: one line of the command's output.
type Result struct {
	ID      string              `json:"id"`
	Type    string              `json:"type"`
	Intents []string            `json:"intents"`
	Slots   map[string][]string `json:"slots"`
	Facts   []Fact              `json:"facts"`
	Action  string              `json:"action"`
	Reply   string              `json:"reply"`
	Effects []Effect            `json:"effects"`
	// Others are rows of queues, conversations and mails: see Effect.Kind.
	Others []Effect `json:"other_effects,omitempty"`
	// Text is what was written in the end, with real numbers; Language is the reply's.
	Text     string `json:"text"`
	Language string `json:"language,omitempty"`
	Handoff  bool   `json:"handoff,omitempty"`
	// Fixtures tell which order of the world a real number belongs to.
	Fixtures map[string]string `json:"fixtures"`
	Missed   []string          `json:"missed,omitempty"` // what was expected and did not come

	// Absent is the reply to the same case with numbers that exist nowhere, when that
	// was asked for; nil otherwise.
	Absent *Result `json:"-"`
}

// Fact is a value that the answer states. Those of the world have the path of the
// world's field beside the name.
type Fact struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	Text  string `json:"text,omitempty"`
	// Order is the real number that it is about, Fixture the world's name of that.
	Order   string `json:"order,omitempty"`
	Fixture string `json:"fixture,omitempty"`
	Field   string `json:"field,omitempty"`
}

// AddFields adds, for each order that the answer is about, the world's fields that
// it states, and the store's if it is about none.
func (r *Result) AddFields(w *World, n *Numbers, about []string) {
	heard := newHeard(r)
	for _, name := range about {
		o := w.Order(name)
		if o == nil {
			continue
		}
		for path, v := range paths("", map[string]any(o.fields)) {
			if path != "customer" && heard.states(v, path) {
				r.Facts = append(r.Facts, Fact{Name: path, Value: v, Order: n.Real(name), Fixture: name, Field: name + "." + path})
			}
		}
	}
	if len(about) > 0 {
		return
	}
	for path, v := range paths("", w.raw["store"]) {
		if heard.states(v, path) {
			r.Facts = append(r.Facts, Fact{Name: path, Value: v, Field: "store." + path})
		}
	}
}
