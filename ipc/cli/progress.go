package cli

import (
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// between is the least time between two plain lines of one step.
const between = 2 * time.Second

// progress shows how far a job is: a bar on a terminal, plain lines elsewhere,
// nothing for programs.
type progress struct {
	s      *session
	step   departure.Step
	last   engine.Progress
	lineAt time.Time
	bar    *progressbar.ProgressBar
}

func (s *session) progress() *progress { return &progress{s: s} }

// see takes one report.
func (p *progress) see(now engine.Progress) {
	if p.s.json || now.Step == "" || now == p.last {
		return
	}
	if now.Step != p.step {
		p.end()
		p.step = now.Step
		p.begin(now)
	}
	p.last = now
	if p.bar != nil {
		p.bar.ChangeMax64(max(now.Total, 1))
		_ = p.bar.Set64(now.Items) // a bar that cannot be drawn is no reason to stop
		return
	}
	if now.Total > 0 && p.s.now().Sub(p.lineAt) >= between {
		p.line(now)
	}
}

func (p *progress) begin(now engine.Progress) {
	doing := spokenStep(now.Step).doing
	if p.s.terminal {
		p.bar = progressbar.NewOptions64(max(now.Total, 1),
			progressbar.OptionSetWriter(p.s.out), progressbar.OptionSetDescription(doing),
			progressbar.OptionShowCount(), progressbar.OptionSetWidth(24), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true))
		return
	}
	p.lineAt = p.s.now()
	if now.Step != departure.StepInventory { // every other step looks first and last
		p.s.say("%s ...", doing)
	}
}

func (p *progress) line(now engine.Progress) {
	p.lineAt = p.s.now()
	bytes := ""
	if now.TotalBytes > 0 {
		bytes = ", " + size(now.Bytes) + " of " + size(now.TotalBytes)
	}
	p.s.say("  %s: %s of %s%s", spokenStep(now.Step).doing, humanize.Comma(now.Items), humanize.Comma(now.Total), bytes)
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish() // see above
		p.bar = nil
	}
}
