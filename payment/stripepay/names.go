package stripepay

import "sync"

// namesKept is how many ids are remembered at least.
const namesKept = 4096

// names remembers which intent was made with which key, as long as there is
// room. It only saves looking through lists.
type names struct {
	mu       sync.Mutex
	new, old map[string]string
}

func newNames() *names { return &names{new: map[string]string{}} }

func (n *names) put(key, id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.new) >= namesKept {
		n.old, n.new = n.new, map[string]string{}
	}
	n.new[key] = id
}

func (n *names) get(key string) (id string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if id, ok = n.new[key]; !ok {
		id, ok = n.old[key]
	}
	return id, ok
}
