// Package fake plays carriers on loopback: prices by a simple tariff, labels,
// parcels that move when they are told to, webhooks signed as the carrier signs
// them, and every way in which a carrier goes wrong. Tests and the command
// `doorstep fake-carriers` run it; it is not for parcels.
//
// # How to add a carrier
//
// One file beside this one, named after the carrier, with an init that hands a
// Vendor to register:
//
//	func init() {
//		register(Vendor{
//			Name:        "acme",
//			Credentials: []Credential{{"api_key", "acme-key"}},
//			Serve:       acmeServe,
//			Call:        acmeCall,
//			Words:       map[carrier.Status]string{carrier.StatusDelivered: "D1", carrier.StatusUnknown: "Z9", ...},
//			News:        acmeNews, // with webhooks only
//			Sign:        acmeSign, // with webhooks only
//		})
//	}
//
//	func acmeServe(w *World) http.Handler {
//		mux := http.NewServeMux()
//		mux.HandleFunc("POST /v1/rates", func(rw http.ResponseWriter, r *http.Request) { ... })
//		return mux
//	}
//
// The base URL for its adapter is the server's URL, a slash and Name; Serve sees
// paths without that. The World keeps parcels and tokens: make labels with
// World.Ship (a Key ships once), read a parcel's history with World.Steps only,
// which is where the fault of repeated events is played. Be as strict about what
// comes in as the carrier is, and refuse as it refuses.
package fake

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"doorstep/internal/clock"
	"doorstep/shipping/carrier"
)

// mostAsked bounds a request.
const mostAsked = 4 << 20

// Credential is one setting that opens a carrier's API.
type Credential struct{ Name, Value string }

// Vendor is one carrier that the server plays.
type Vendor struct {
	// Name is the first part of the path, and the carrier's name.
	Name string
	// Credentials are what its settings must say, in the order of a form.
	Credentials []Credential
	// Serve answers its API.
	Serve func(w *World) http.Handler
	// Call says what a request is: "token", "rates", "buy", "void", "track", or
	// "" for the rest. Of a Buy that takes several requests "buy" is the one
	// that makes the label.
	Call func(r *http.Request) string
	// Words are the carrier's codes for our statuses, as far as it has one; for
	// carrier.StatusUnknown a code that it never had.
	Words map[carrier.Status]string
	// News is the body of the webhook that tells a parcel's last step; nil when
	// the carrier does not call.
	News func(w *World, p *Parcel) []byte
	// Sign is the header of a webhook with that body.
	Sign func(w *World, body []byte) http.Header
}

var vendors = map[string]Vendor{}

// register adds a carrier. It is for init functions of this package.
func register(v Vendor) { vendors[v.Name] = v }

// Names lists the carriers that can be played.
func Names() []string { return slices.Sorted(maps.Keys(vendors)) }

// Played gives the carrier of a name.
func Played(name string) (Vendor, bool) {
	v, ok := vendors[name]
	return v, ok
}

// Server plays all carriers. It is an http.Handler, safe for concurrent use.
type Server struct {
	clock  clock.Clock
	admin  http.Handler
	worlds map[string]*World
	doors  map[string]http.Handler

	mu       sync.Mutex
	faults   []Fault
	hooks    map[string]string // vendor to the URL that its webhooks go to
	requests map[string]int    // vendor and call to how many came
}

// New makes a server whose parcels live by c.
func New(c clock.Clock) *Server {
	s := &Server{clock: c, worlds: map[string]*World{}, doors: map[string]http.Handler{}, hooks: map[string]string{}, requests: map[string]int{}}
	for name, v := range vendors {
		w := newWorld(c, name)
		s.worlds[name], s.doors[name] = w, http.StripPrefix("/"+name, v.Serve(w))
	}
	s.admin = s.adminRoutes()
	return s
}

// World is what one carrier has in its books; nil for a carrier that nobody plays.
func (s *Server) World(vendor string) *World { return s.worlds[vendor] }

// Requests is how many requests of a call came to a carrier, those that a fault
// swallowed included.
func (s *Server) Requests(vendor, call string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[vendor+" "+call]
}

// ServeHTTP answers for the carrier that the path names first.
func (s *Server) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if name == "_" {
		s.admin.ServeHTTP(rw, r)
		return
	}
	door, ok := s.doors[name]
	if !ok {
		http.Error(rw, "No such carrier.", http.StatusNotFound)
		return
	}
	// The whole request is read first, so that the server sees a caller hang up.
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, mostAsked))
	if err != nil {
		http.Error(rw, "The request cannot be read.", http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	call := ""
	if of := vendors[name].Call; of != nil {
		inside := r.Clone(r.Context())
		inside.URL.Path = strings.TrimPrefix(r.URL.Path, "/"+name)
		call = of(inside)
		r.Body = io.NopCloser(bytes.NewReader(body)) // in case it looked
	}
	s.mu.Lock()
	s.requests[name+" "+call]++
	s.mu.Unlock()
	s.play(s.fault(name, call), door, rw, r)
}

// Reply writes v as JSON with a status.
func Reply(rw http.ResponseWriter, status int, v any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_, _ = rw.Write(mustJSON(v)) // a caller that is gone is its own matter
}

// Asked reads a request's JSON; false when it is none.
func Asked(r *http.Request, into any) bool {
	return json.NewDecoder(r.Body).Decode(into) == nil
}

// mustJSON is v as JSON, of our own values.
func mustJSON(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return body
}
