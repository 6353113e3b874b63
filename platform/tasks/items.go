package tasks

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/ledger"
)

// Items pages through the items of the copy, or those that could not be copied.
func (w *Worker) Items(ctx context.Context, job engine.Job, f engine.ItemFilter) (engine.ItemPage, error) {
	var page engine.ItemPage
	if f.Limit == 0 {
		f.Limit = 100
	}
	l, err := w.ledgerOf(job)
	if err != nil || l == nil {
		return page, err
	}
	skip, err := offset(f.Cursor)
	if err != nil {
		return page, err
	}
	at := 0
	emit := func(it engine.Item) bool {
		it.Fate, it.OfAccount = fateOf(job, it.Source)
		if f.Dataset != "" && it.Dataset != f.Dataset {
			return true
		}
		at++
		if at <= skip {
			return true
		}
		if len(page.Items) == f.Limit {
			page.Next = cursor(at - 1)
			return false
		}
		page.Items = append(page.Items, it)
		return true
	}
	if f.Failed {
		failures, _ := l.Failures()
		for _, x := range failures {
			if !emit(engine.Item{Dataset: departure.Dataset(x.Dataset), Source: x.Source, Name: shown(x.Name, x.ID), Why: failureText(x)}) {
				break
			}
		}
		return page, nil
	}
	for e, err := range l.All() {
		if err != nil {
			return page, err
		}
		if !emit(engine.Item{Dataset: departure.Dataset(e.Dataset), Source: e.Source, Name: shown("", e.ID), Path: e.Path, Size: e.Size, SHA256: fmt.Sprintf("%x", e.SHA256)}) {
			break
		}
	}
	return page, ctx.Err()
}

// fateOf is what leaving does to a source, as it was seen last.
func fateOf(job engine.Job, source string) (departure.Fate, bool) {
	for _, k := range job.Known {
		if string(k.Source.ID) == source {
			return k.Source.Fate, k.Source.OfAccount
		}
	}
	return "", false
}

func shown(name, id string) string {
	if name != "" {
		return name
	}
	return id
}

func failureText(f ledger.Failure) string {
	if f.Reason == ledger.NotParsed {
		return "it is in your copy as it was, but it is damaged or incomplete: " + f.Detail
	}
	if f.Detail == "" {
		return f.Reason.Sentence()
	}
	return f.Reason.Sentence() + ": " + f.Detail
}

func cursor(n int) string { return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d", n)) }

func offset(c string) (n int, err error) {
	if c == "" {
		return 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(c)
	if err == nil {
		_, err = fmt.Sscanf(string(b), "%d", &n)
	}
	if err != nil || n < 0 {
		return 0, &engine.RefusedError{Code: "invalid", Text: "that is no place in the list: begin at its start"}
	}
	return n, nil
}
