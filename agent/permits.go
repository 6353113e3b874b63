package agent

import (
	"context"
	"time"

	"github.com/clearance-project/clearance/agent/engine"
)

// gateLife bounds a look of the gate.
const gateLife = 5 * time.Minute

// RequestPermit asks for a permit, after a fresh look.
func (s *Service) RequestPermit(ctx context.Context, by Caller, id, nonce, audience string) (JobInfo, error) {
	return s.jobs.startOwned(by, object{"departure", id}, "permit", func(ctx context.Context, _ engine.Report, into *JobInfo) error {
		ctx, cancel := context.WithTimeout(ctx, gateLife)
		defer cancel()
		p, token, err := s.gate.Issue(ctx, id, nonce, audience)
		if err != nil {
			return err
		}
		info := permitInfo(p)
		info.Token = token
		into.Permit = &info
		return nil
	})
}

// Redeem burns a permit and gives its receipt, after a fresh look.
func (s *Service) Redeem(ctx context.Context, by Caller, permit, nonce string) (JobInfo, error) {
	return s.jobs.startOwned(by, object{"permit", permit}, "redeem", func(ctx context.Context, _ engine.Report, into *JobInfo) error {
		ctx, cancel := context.WithTimeout(ctx, gateLife)
		defer cancel()
		token, at, err := s.gate.Redeem(ctx, permit, nonce)
		if err != nil {
			return err
		}
		into.Receipt = &ReceiptInfo{Permit: permit, Token: token, At: at}
		return nil
	})
}

// Submitted notes that the deletion was asked for at the provider.
func (s *Service) Submitted(ctx context.Context, by Caller, id string, when time.Time) (DepartureInfo, error) {
	if err := s.engine.Submitted(ctx, id, when); err != nil {
		return DepartureInfo{}, s.told(err)
	}
	return s.settled(ctx, by, id)
}

// Cancel gives a departure up; the copy stays.
func (s *Service) Cancel(ctx context.Context, by Caller, id string, notSubmitted bool, proof string) (DepartureInfo, error) {
	if err := s.engine.Cancel(ctx, id, notSubmitted, proof); err != nil {
		return DepartureInfo{}, s.told(err)
	}
	return s.Departure(ctx, by, id)
}

// NeedsOwner reports whether an irreversible act was begun, so that ending the
// departure is for the owner alone.
func (s *Service) NeedsOwner(ctx context.Context, id string) (bool, error) {
	snap, _, err := s.engine.Snapshot(ctx, id)
	if err != nil {
		return true, s.told(err)
	}
	return len(snap.Record.Acts) > 0, nil
}
