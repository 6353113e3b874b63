package enginetest_test

import (
	"testing"

	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest"
)

func TestContractStore(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		enginetest.StoreContract(t, func(*testing.T) engine.Store { return enginetest.NewMemory() })
	})
}
