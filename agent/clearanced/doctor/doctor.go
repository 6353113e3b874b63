// Package doctor says how the parts are that the daemon itself puts together.
//
// It imports agent, for the words of a doctor's report.
package doctor

import (
	"context"

	"github.com/clearance-project/clearance/agent"
)

// Of reports on what the agent keeps and on whether it may give permits: healthy
// is nil for records that can be read, closed is empty where permits are given.
func Of(healthy func(context.Context) error, closed func() string) func(context.Context) []agent.DoctorEntry {
	return func(ctx context.Context) []agent.DoctorEntry {
		records := agent.DoctorEntry{Name: "records", OK: true, Text: "what the agent knows can be read"}
		if err := healthy(ctx); err != nil {
			records.OK, records.Text = false, err.Error()
		}
		permits := agent.DoctorEntry{Name: "permits", OK: true, Text: "permits can be given here"}
		if why := closed(); why != "" {
			permits.OK, permits.Text = false, why
		}
		return []agent.DoctorEntry{records, permits}
	}
}
