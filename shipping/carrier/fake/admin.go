package fake

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"doorstep/internal/fault"
	"doorstep/shipping/carrier"
)

// hookPatience bounds the sending of one webhook.
const hookPatience = 5 * time.Second

// Webhook is one that a carrier sends.
type Webhook struct {
	Header http.Header
	Body   []byte
}

// Advance moves a parcel to a status, or to the next one of a usual day with "",
// and gives the webhook that the carrier would send; nil when it sends none.
func (s *Server) Advance(vendor, number string, to carrier.Status) (*Webhook, error) {
	w, ok := s.worlds[vendor]
	if !ok {
		return nil, errNoParcel
	}
	p, err := w.advance(number, to)
	if err != nil {
		return nil, err
	}
	v := vendors[vendor]
	if v.News == nil {
		return nil, nil
	}
	body := v.News(w, &p)
	return &Webhook{Header: v.Sign(w, body), Body: body}, nil
}

// Sign is the header with which a carrier would send that body.
func (s *Server) Sign(vendor string, body []byte) http.Header {
	return vendors[vendor].Sign(s.worlds[vendor], body)
}

// adminRoutes are what people turn the carriers with:
//
//	GET    /_/accounts           names, paths and credentials
//	GET    /_/parcels            all parcels with their history
//	POST   /_/advance            {"vendor","number","status"?}: a parcel moves, its webhook is sent
//	POST   /_/webhooks           {"vendor","url"}: where webhooks go
//	POST   /_/faults             {"vendor","call"?,"fault","times"?,"to"?}: it goes wrong
//	GET    /_/faults             what goes wrong now
//	DELETE /_/faults?vendor=...  all is well again
//	POST   /_/revoke             {"vendor"}: all its tokens end
func (s *Server) adminRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_/accounts", func(rw http.ResponseWriter, _ *http.Request) {
		all := []map[string]any{}
		for _, name := range Names() {
			credentials := map[string]string{}
			for _, c := range vendors[name].Credentials {
				credentials[c.Name] = c.Value
			}
			all = append(all, map[string]any{"carrier": name, "path": "/" + name, "credentials": credentials})
		}
		Reply(rw, http.StatusOK, map[string]any{"accounts": all})
	})
	mux.HandleFunc("GET /_/parcels", s.listParcels)
	mux.HandleFunc("POST /_/advance", s.postAdvance)
	mux.HandleFunc("POST /_/webhooks", s.postWebhook)
	mux.HandleFunc("POST /_/faults", s.postFault)
	mux.HandleFunc("GET /_/faults", func(rw http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		all := append([]Fault{}, s.faults...)
		s.mu.Unlock()
		Reply(rw, http.StatusOK, map[string]any{"faults": all, "known": FaultNames()})
	})
	mux.HandleFunc("DELETE /_/faults", func(rw http.ResponseWriter, r *http.Request) {
		s.Mend(r.URL.Query().Get("vendor"))
		rw.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /_/revoke", func(rw http.ResponseWriter, r *http.Request) {
		var in struct {
			Vendor string `json:"vendor"`
		}
		if Asked(r, &in) && s.worlds[in.Vendor] != nil {
			s.worlds[in.Vendor].Revoke()
			rw.WriteHeader(http.StatusNoContent)
			return
		}
		wrong(rw, "vendor must be one of those that are played")
	})
	return mux
}

func wrong(rw http.ResponseWriter, text string) {
	Reply(rw, http.StatusUnprocessableEntity, map[string]string{"error": text})
}

// shownParcel is a parcel for people.
type shownParcel struct {
	Vendor  string      `json:"vendor"`
	Number  string      `json:"number"`
	ID      string      `json:"shipment"`
	Key     string      `json:"key"`
	Service string      `json:"service"`
	To      string      `json:"to"`
	Voided  bool        `json:"voided"`
	Steps   []shownStep `json:"steps"`
}

type shownStep struct {
	Status carrier.Status `json:"status"`
	Code   string         `json:"code"`
	At     time.Time      `json:"at"`
}

func (s *Server) listParcels(rw http.ResponseWriter, _ *http.Request) {
	all := []shownParcel{}
	for _, name := range Names() {
		for _, p := range s.worlds[name].Parcels() {
			v := shownParcel{Vendor: name, Number: p.Number, ID: p.ID, Key: p.Key, Service: p.Service, To: p.To.City + ", " + p.To.Country, Voided: p.Voided}
			for _, step := range p.Steps {
				v.Steps = append(v.Steps, shownStep{step.Status, step.Code, step.At})
			}
			all = append(all, v)
		}
	}
	Reply(rw, http.StatusOK, map[string]any{"parcels": all})
}

func (s *Server) postAdvance(rw http.ResponseWriter, r *http.Request) {
	var in struct {
		Vendor string         `json:"vendor"`
		Number string         `json:"number"`
		Status carrier.Status `json:"status"`
	}
	if !Asked(r, &in) {
		wrong(rw, "the body must be JSON with vendor and number")
		return
	}
	hook, err := s.Advance(in.Vendor, in.Number, in.Status)
	if err != nil {
		text := "it failed"
		if f, ok := fault.As(err); ok {
			text = f.Text
		}
		wrong(rw, text)
		return
	}
	steps := s.worlds[in.Vendor].Find(in.Number)[0].Steps
	Reply(rw, http.StatusOK, map[string]any{"status": steps[len(steps)-1].Status, "webhook": s.deliver(r.Context(), in.Vendor, hook)})
}

// deliver sends a webhook to where its carrier was told, and says what came of it.
func (s *Server) deliver(ctx context.Context, vendor string, hook *Webhook) string {
	s.mu.Lock()
	to := s.hooks[vendor]
	s.mu.Unlock()
	switch {
	case hook == nil:
		return "this carrier sends none"
	case to == "":
		return "nobody listens: POST /_/webhooks says where to send it"
	}
	ctx, cancel := context.WithTimeout(ctx, hookPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(hook.Body))
	if err != nil {
		return err.Error()
	}
	req.Header = hook.Header.Clone()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = res.Body.Close() }() // only read
	said, _ := io.ReadAll(io.LimitReader(res.Body, 200))
	return fmt.Sprintf("%d %s", res.StatusCode, carrier.Clip(string(said)))
}

func (s *Server) postWebhook(rw http.ResponseWriter, r *http.Request) {
	var in struct {
		Vendor string `json:"vendor"`
		URL    string `json:"url"`
	}
	if !Asked(r, &in) || s.worlds[in.Vendor] == nil {
		wrong(rw, "vendor must be one of those that are played")
		return
	}
	s.Listen(in.Vendor, in.URL)
	rw.WriteHeader(http.StatusNoContent)
}

// Listen says where a carrier's webhooks go from now on; nowhere with "".
func (s *Server) Listen(vendor, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks[vendor] = to
}

func (s *Server) postFault(rw http.ResponseWriter, r *http.Request) {
	var in Fault
	if !Asked(r, &in) || s.worlds[in.Vendor] == nil || !slices.Contains(FaultNames(), in.Name) || in.Times < 0 {
		wrong(rw, "vendor must be one of those that are played, fault one that GET /_/faults lists")
		return
	}
	s.Break(in)
	rw.WriteHeader(http.StatusNoContent)
}
