package agent

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/provider"
)

// Providers is the catalogue.
func (s *Service) Providers(context.Context) ([]ProviderInfo, error) {
	var ps []ProviderInfo
	for _, p := range s.cfg.Profiles.List() {
		info := ProviderInfo{ID: p.ID, Name: p.Name, Known: p.Known, Replaced: s.cfg.Profiles.Replaced(p.ID), Broken: s.cfg.Profiles.Broken(p.ID)}
		for _, path := range p.Deletion {
			info.Paths = append(info.Paths, pathInfo(path, ""))
		}
		for _, f := range p.Facts {
			info.Facts = append(info.Facts, FactInfo{Text: f.Text, Source: f.Source, Confidence: string(f.Confidence)})
		}
		ps = append(ps, info)
	}
	return ps, nil
}

// Doctor looks at the agent's own parts.
func (s *Service) Doctor(ctx context.Context) (DoctorReport, error) {
	h := s.cfg.Health()
	r := DoctorReport{Parts: []DoctorEntry{
		{Name: "store", OK: h.Store, Text: okText(h.Store, "what the agent knows is kept safely", h.Why.Text)},
		{Name: "buses", OK: h.Buses, Text: okText(h.Buses, "this device's services can be asked", h.Why.Text)},
		{Name: "clock", OK: h.Clock, Text: okText(h.Clock, "the clock is watched", h.Why.Text)},
	}}
	_, err := s.cfg.Worker.Accounts(ctx)
	r.Parts = append(r.Parts, DoctorEntry{Name: "accounts", OK: err == nil, Text: okText(err == nil, "the accounts of this device can be listed", textOf(err))})
	r.Parts = append(r.Parts, s.catalogueEntry())
	r.Parts = append(r.Parts, s.cfg.Doctor(ctx)...)
	r.Healthy = !slices.ContainsFunc(r.Parts, func(e DoctorEntry) bool { return !e.OK })
	return r, nil
}

// catalogueEntry says whether what whoever runs this device wrote of providers
// can be used.
func (s *Service) catalogueEntry() DoctorEntry {
	e := DoctorEntry{Name: "catalogue", OK: true, Text: "what is known of providers can be read"}
	faults := s.cfg.Profiles.Faults()
	if len(faults) == 0 {
		return e
	}
	e.OK = false
	e.Remedy = &departure.Remedy{Code: "providers", Text: "see what is wrong", Command: "clearance providers lint " + provider.OverrideFolder}
	var texts []string
	for _, id := range slices.Sorted(maps.Keys(faults)) {
		of := id
		if of == "" {
			of = "all"
		}
		texts = append(texts, of+": "+faults[id])
	}
	e.Text = "no account of these can be left anew: " + strings.Join(texts, "; ")
	return e
}

func okText(ok bool, good, bad string) string {
	if ok {
		return good
	}
	if bad == "" {
		return "it does not work"
	}
	return bad
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
