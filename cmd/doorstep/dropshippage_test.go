package main

import (
	"strings"
	"testing"
)

func TestTheCommandsOfTheDropshipPageDoWhatItSays(t *testing.T) {
	t.Parallel()
	needsTools(t)
	shop := newDemo(t)
	doesWhatItSays(t, "../../docs/dropship.md", strings.NewReplacer("http://127.0.0.1:8080", shop.url, "ds_sk_...", shop.sk, "ds_pk_...", shop.pk))
}
