package doctor_test

import (
	"context"
	"errors"
	"testing"

	"github.com/clearance-project/clearance/agent/clearanced/doctor"
)

func TestOf(t *testing.T) {
	for _, c := range []struct {
		healthy error
		closed  string
	}{{nil, ""}, {errors.New("the disk is gone"), ""}, {nil, "this device has an agent of its own"}} {
		parts := doctor.Of(func(context.Context) error { return c.healthy }, func() string { return c.closed })(t.Context())
		if len(parts) != 2 || parts[0].OK != (c.healthy == nil) || parts[1].OK != (c.closed == "") {
			t.Errorf("with %v and %q: %+v", c.healthy, c.closed, parts)
		}
	}
}
