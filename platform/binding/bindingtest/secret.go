package bindingtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"

	"github.com/clearance-project/clearance/platform/binding"
)

// secret has the place do all that it does, and looks for the passwords in what
// it returned and logged.
func secret(d *desk) {
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(was)
	if len(d.Secrets) == 0 {
		d.Skip("the place stores no secret")
	}
	e := d.signIn()
	var said []string
	say := func(what any, err error) {
		said = append(said, fmt.Sprintf("%+v", what))
		if err != nil {
			said = append(said, fmt.Sprintf("%+v", err))
		}
		if b, err := json.Marshal(what); err == nil {
			said = append(said, string(b))
		}
	}
	list, err := d.Place.Entries(d.ctx)
	say(list, err)
	if h, ok := d.Place.(binding.Hinter); ok {
		hints, err := h.Hints(d.ctx)
		say(hints, err)
	}
	say(nil, d.Place.Remove(d.ctx, e.ID+"x"))
	left, err := d.Place.ReadBack(d.ctx, e.ID)
	say(left, err)
	d.Break(d.ctx, d.T)
	list, err = d.Place.Entries(d.ctx)
	say(list, err)
	say(nil, d.Place.Remove(d.ctx, e.ID))
	left, err = d.Place.ReadBack(d.ctx, e.ID)
	say(left, err)
	said = append(said, log.String())
	for _, s := range d.Secrets {
		for _, text := range said {
			if strings.Contains(text, s) {
				d.Errorf("the secret stands in %s", text)
			}
		}
	}
}
