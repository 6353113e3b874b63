package ci

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs testdata/*.txtar. Each brings the programs that the script
// under test would call in bin/, which comes first in PATH.
func TestScripts(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("CI_DIR", here)
			env.Setenv("LOG", filepath.Join(env.WorkDir, "log"))
			env.Setenv("PATH", filepath.Join(env.WorkDir, "bin")+":"+os.Getenv("PATH"))
			fakes, err := filepath.Glob(filepath.Join(env.WorkDir, "bin", "*"))
			if err != nil {
				return err
			}
			for _, fake := range fakes {
				if err := os.Chmod(fake, 0o755); err != nil {
					return err
				}
			}
			return nil
		},
	})
}
