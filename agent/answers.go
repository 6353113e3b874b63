package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// Say keeps a person's word about a check.
func (s *Service) Say(ctx context.Context, by Caller, id string, req WordRequest) (DepartureInfo, error) {
	err := s.engine.Say(ctx, id, departure.Word{
		Check: req.Check, Kind: req.Kind, Subject: req.Subject, List: req.List,
		Statement: req.Statement, Count: req.Count, By: callerName(by),
	})
	if err != nil {
		return DepartureInfo{}, s.told(err)
	}
	return s.settled(ctx, by, id)
}

// AttestDevice adds a linked device, or says what became of one.
func (s *Service) AttestDevice(ctx context.Context, by Caller, id string, d departure.Device) (DepartureInfo, error) {
	if d.State != "" && !d.State.Settled() {
		return DepartureInfo{}, invalid("a device is signed-out, sold, lost or wiped")
	}
	if d.State == departure.DeviceReported {
		return DepartureInfo{}, invalid("only the device itself can report; say what you did with it")
	}
	err := s.engine.Update(ctx, id, func(rec *engine.Record) ([]engine.Event, error) {
		i := slices.IndexFunc(rec.Devices, func(k departure.Device) bool { return d.ID != "" && k.ID == d.ID })
		switch {
		case d.ID != "" && i < 0:
			return nil, &Error{Kind: KindNotFound, Text: "there is no such device in your list"}
		case i >= 0:
			rec.Devices[i].State = d.State
			if d.Name != "" {
				rec.Devices[i].Name = d.Name
			}
		case strings.TrimSpace(d.Name) == "" || len(d.Name) > 200:
			return nil, &Error{Kind: KindInvalid, Text: "give the device a name of at most 200 characters"}
		case len(rec.Devices) >= 200:
			return nil, &Error{Kind: KindInvalid, Text: "200 devices are the most that can be listed"}
		default:
			d.ID = fmt.Sprintf("device-%d", len(rec.Devices)+1)
			rec.Devices = append(rec.Devices, d)
		}
		return []engine.Event{{At: s.cfg.Clock.Now(), Departure: id, Kind: "device", Text: "a linked device was listed"}}, nil
	})
	if err != nil {
		return DepartureInfo{}, s.told(err)
	}
	return s.settled(ctx, by, id)
}

// Authorize keeps the owner's leave; the transport has made sure of the owner.
func (s *Service) Authorize(ctx context.Context, by Caller, id string, req AuthorizeRequest) (DepartureInfo, error) {
	if err := s.engine.Authorize(ctx, id, callerName(by), req.Proof, req.Words, req.Effects); err != nil {
		return DepartureInfo{}, s.told(err)
	}
	return s.Departure(ctx, by, id)
}
