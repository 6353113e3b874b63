package secrets

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted stands for a secret wherever one is printed.
const redacted = "(secret)"

// Secret is a password or a token. Printing, logging or encoding it shows that
// there may be one, never what it is.
type Secret struct {
	// A pointer, because fmt prints what lies in unexported fields of others
	// without asking our methods.
	text *string
}

// NewSecret wraps a password or a token.
func NewSecret(text string) Secret { return Secret{text: &text} }

// Reveal returns the password or token itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty reports whether there is none.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// String hides the secret.
func (Secret) String() string { return redacted }

// Format hides the secret from every verb of fmt.
func (Secret) Format(f fmt.State, _ rune) {
	// What cannot be written here is reported by who owns f.
	_, _ = io.WriteString(f, redacted)
}

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the secret from encoders such as encoding/json.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
