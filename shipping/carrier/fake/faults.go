package fake

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// The ways in which a carrier goes wrong.
const (
	Unauthorized = "unauthorized"     // 401
	RateLimited  = "rate_limited"     // 429, Retry-After: 7
	ServerError  = "server_error"     // 500
	Page         = "html"             // 200 with a web page
	Truncated    = "truncated"        // half of the answer
	Empty        = "empty"            // 200 with nothing
	Blank        = "blank"            // 200 with {}
	Hang         = "hang"             // no answer, and nothing done
	Lost         = "lost"             // done, but no answer
	Drip         = "drip"             // the answer byte by byte
	Reset        = "reset"            // the connection ends
	Doubled      = "duplicate_events" // every event twice
	ChangedType  = "changed_type"     // objects where there were texts and numbers
	Elsewhere    = "redirect"         // 302 to another host
	Oversize     = "oversize"         // nine megabytes
	Echo         = "echo"             // 400 that says the caller's credentials
)

// FaultNames lists them.
func FaultNames() []string {
	return []string{Unauthorized, RateLimited, ServerError, Page, Truncated, Empty, Blank, Hang, Lost, Drip, Reset, Doubled, ChangedType, Elsewhere, Oversize, Echo}
}

const (
	// RetryAfter is what RateLimited asks callers to wait.
	RetryAfter = 7 * time.Second
	// dripPause is between two bytes of Drip.
	dripPause = 20 * time.Millisecond
	// oversize is more than anybody reads.
	oversize = 9 << 20
)

// Fault is one order to go wrong.
type Fault struct {
	Vendor string `json:"vendor"`
	// Call is as Vendor.Call says; empty is every request but "token".
	Call string `json:"call,omitempty"`
	Name string `json:"fault"`
	// Times is how often; 0 until it is cleared.
	Times int `json:"times,omitempty"`
	// To is where Elsewhere leads.
	To string `json:"to,omitempty"`
}

// Break makes a carrier go wrong from now on. Of several faults for a request
// the earliest given is played.
func (s *Server) Break(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	if w := s.worlds[f.Vendor]; f.Name == Doubled && w != nil {
		w.doubled.Store(true)
	}
}

// Mend ends the faults of a carrier, of all with "".
func (s *Server) Mend(vendor string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = slices.DeleteFunc(s.faults, func(f Fault) bool { return vendor == "" || f.Vendor == vendor })
	for name, w := range s.worlds {
		if vendor == "" || name == vendor {
			w.doubled.Store(false)
		}
	}
}

// fault takes the fault of a request, if there is one.
func (s *Server) fault(vendor, call string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Vendor != vendor || f.Name == Doubled || f.Call != call && (f.Call != "" || call == "token") {
			continue
		}
		if f.Times == 1 {
			s.faults = slices.Delete(s.faults, i, i+1)
		} else if f.Times > 1 {
			s.faults[i].Times--
		}
		return f
	}
	return Fault{}
}

// recorder keeps an answer instead of sending it.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

func record(door http.Handler, r *http.Request) *recorder {
	rec := &recorder{header: http.Header{}}
	door.ServeHTTP(rec, r)
	rec.WriteHeader(http.StatusOK)
	return rec
}

// send gives a kept answer with another body.
func (r *recorder) send(rw http.ResponseWriter, body []byte) {
	maps.Copy(rw.Header(), r.header)
	rw.WriteHeader(r.status)
	_, _ = rw.Write(body) // a caller that is gone is its own matter
}

// play answers a request as a fault wants it.
func (s *Server) play(f Fault, door http.Handler, rw http.ResponseWriter, r *http.Request) {
	switch f.Name {
	case Unauthorized:
		Reply(rw, http.StatusUnauthorized, map[string]string{"message": "no"})
	case RateLimited:
		rw.Header().Set("Retry-After", strconv.Itoa(int(RetryAfter/time.Second)))
		Reply(rw, http.StatusTooManyRequests, map[string]string{"message": "slow down"})
	case ServerError:
		Reply(rw, http.StatusInternalServerError, map[string]string{"message": "we are sorry"})
	case Echo:
		Reply(rw, http.StatusBadRequest, map[string]string{"message": "bad credentials " + r.Header.Get("Authorization") + " in " + r.URL.RawQuery})
	case Page:
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = rw.Write([]byte("<!DOCTYPE html><html><body><h1>Please enable cookies</h1></body></html>"))
	case Empty:
		rw.WriteHeader(http.StatusOK)
	case Blank:
		Reply(rw, http.StatusOK, struct{}{})
	case Hang:
		<-r.Context().Done()
	case Lost:
		record(door, r)
		<-r.Context().Done()
	case Reset:
		panic(http.ErrAbortHandler)
	case Elsewhere:
		http.Redirect(rw, r, f.To, http.StatusFound)
	case Truncated:
		a := record(door, r)
		a.send(rw, a.body.Bytes()[:a.body.Len()/2])
	case Drip:
		drip(rw, r, record(door, r))
	case ChangedType:
		a := record(door, r)
		a.send(rw, ChangeTypes(a.body.Bytes()))
	case Oversize:
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write(append(append([]byte(`{"padding":"`), bytes.Repeat([]byte("x"), oversize)...), `"}`...))
	default:
		door.ServeHTTP(rw, r)
	}
}

// drip sends the answer byte by byte until it is whole or the caller is gone.
func drip(rw http.ResponseWriter, r *http.Request, a *recorder) {
	maps.Copy(rw.Header(), a.header)
	rw.WriteHeader(a.status)
	flush := http.NewResponseController(rw)
	pause := time.NewTicker(dripPause)
	defer pause.Stop()
	for _, b := range a.body.Bytes() {
		select {
		case <-r.Context().Done():
			return
		case <-pause.C:
		}
		if _, err := rw.Write([]byte{b}); err != nil || flush.Flush() != nil {
			return
		}
	}
}

// ChangeTypes puts an object in the place of every text and number of some JSON.
func ChangeTypes(body []byte) []byte {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return []byte(`{"changed":true}`)
	}
	out, err := json.Marshal(change(v))
	if err != nil {
		panic(err) // it was JSON before
	}
	return out
}

func change(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			v[k] = change(inner)
		}
		return v
	case []any:
		for i, inner := range v {
			v[i] = change(inner)
		}
		return v
	case nil, bool:
		return v
	}
	return map[string]any{"changed": v}
}
