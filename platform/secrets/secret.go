package secrets

import "log/slog"

// redacted stands for a secret wherever one is printed.
const redacted = "(secret)"

// Secret is a password or a token. Printing, logging or encoding it shows that
// there is one, never what it is.
type Secret struct{ text string }

// NewSecret wraps a password or a token.
func NewSecret(text string) Secret { return Secret{text: text} }

// Reveal returns the password or token itself.
func (s Secret) Reveal() string { return s.text }

// Empty reports whether there is none.
func (s Secret) Empty() bool { return s.text == "" }

// String hides the secret from fmt.
func (Secret) String() string { return redacted }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return redacted }

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the secret from encoders such as encoding/json.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
