package shipping_test

import (
	"errors"
	"testing"
	"time"

	"doorstep/shipping"
)

func TestOfANameOnlyItsInitialsAreKept(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Ani Petrosyan": "A. P.", "A. P.": "A. P.", "ANI": "A.", "Անի Պետրոսյան": "Ա. Պ.", "ចាន់ សុខា": "ច. ស.", "Jean-Luc van der Berg": "J. L. V.", "O'Brien": "O.",
		"": "", " 12 -- ": "", "<b>x</b>": "B. X. B.", "a\xffb": "A.", "Flat 3, Ani": "F. A.",
	} {
		if got := shipping.Initials(name); got != want {
			t.Errorf("%q leaves %q, want %q", name, got, want)
		} else if again := shipping.Initials(got); again != got {
			t.Errorf("%q becomes %q the second time", got, again)
		}
	}
}

func TestADeliveryKeepsItsProofWhicheverWayItCame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.parcel()
	event := shipping.TrackingEvent{Status: shipping.TrackDelivered, OccurredAt: start.Add(time.Hour)}
	if got, err := w.parcels.RecordEvent(w.ctx, w.merchant, s.ID, event); err != nil || got.SignedBy != "" || got.PhotoURL != "" {
		t.Fatalf("%+v %v", got, err)
	}
	event.SignedBy, event.PhotoURL = "Ani Petrosyan", "https://photos.example/1.jpg" // the same word again, now with who took it
	got, err := w.parcels.RecordEvent(w.ctx, w.merchant, s.ID, event)
	if err != nil || got.SignedBy != "A. P." || got.PhotoURL != event.PhotoURL || len(got.Events) != 1 {
		t.Fatalf("%+v %v", got, err)
	}
	event.SignedBy, event.PhotoURL = "", ""
	if err := w.parcels.RecordNews(w.ctx, w.merchant, s.ID, []shipping.TrackingEvent{event}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got, err = w.parcels.Shipment(w.ctx, w.merchant, s.ID); err != nil || got.SignedBy != "A. P." {
		t.Errorf("silence takes the proof away: %+v %v", got, err)
	}
	other := w.parcel()
	for _, wrong := range []shipping.TrackingEvent{
		{Status: shipping.TrackDelivered, PhotoURL: "http://photos.example/1.jpg"}, {Status: shipping.TrackDelivered, PhotoURL: "javascript:alert(1)"},
		{Status: shipping.TrackDelivered, PhotoURL: "https://ani:secret@photos.example/"}, {Status: shipping.TrackInTransit, PhotoURL: "https://photos.example/1.jpg"},
	} {
		wrong.OccurredAt = start
		if _, err := w.parcels.RecordEvent(w.ctx, w.merchant, other.ID, wrong); !errors.Is(err, shipping.ErrEvent) {
			t.Errorf("%+v is taken: %v", wrong, err)
		}
	}
}
