package eds

import (
	"fmt"
	"strings"
)

// keyFile is a source's Data: GKeyFile syntax as described in GLib's
// documentation, without localised values (Key[de]=), which say the same.
type keyFile map[string]map[string]string

const (
	maxKeyFile = 1 << 20 // bytes; the largest of EDS's own has 6 kB
	maxGroups  = 256
	maxKeys    = 1024 // a group
)

// parseKeyFile reads what it understands. Lines that are no group, key or
// comment make an error, with all the others read all the same: a caller
// decides whether a half-read source will do.
func parseKeyFile(data string) (keyFile, error) {
	if len(data) > maxKeyFile {
		return nil, fmt.Errorf("cannot read source data of %d bytes: %w", len(data), ErrTooLarge)
	}
	kf := keyFile{}
	var group map[string]string
	bad := 0
	for line := range strings.Lines(data) {
		line = strings.TrimLeft(strings.TrimRight(line, "\r\n"), " \t")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			name, ok := strings.CutSuffix(strings.TrimRight(line[1:], " \t"), "]")
			if !ok || strings.ContainsAny(name, "[]") || len(kf) >= maxGroups {
				bad, group = bad+1, nil
				continue
			}
			if kf[name] == nil {
				kf[name] = map[string]string{}
			}
			group = kf[name]
		default:
			key, value, ok := strings.Cut(line, "=")
			key = strings.TrimRight(key, " \t")
			if !ok || key == "" || group == nil || len(group) >= maxKeys {
				bad++
				continue
			}
			if strings.HasSuffix(key, "]") && strings.Contains(key, "[") {
				continue
			}
			group[key] = unescapeValue(strings.TrimLeft(value, " \t"))
		}
	}
	if bad > 0 {
		return kf, fmt.Errorf("cannot read %d lines of the source's data: %w", bad, ErrReply)
	}
	return kf, nil
}

func (k keyFile) has(group string) bool { _, ok := k[group]; return ok }

func (k keyFile) get(group, key string) string { return k[group][key] }

// bool reads true as GLib does; everything else is what a missing key is.
func (k keyFile) bool(group, key string, missing bool) bool {
	switch strings.TrimSpace(k.get(group, key)) {
	case "true", "1":
		return true
	case "false", "0":
		return false
	}
	return missing
}

func unescapeValue(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 's':
			b.WriteByte(' ')
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// escapeValue writes a value so that GKeyFile reads it back as it is.
func escapeValue(s string) string {
	r := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	s = r.Replace(s)
	if strings.HasPrefix(s, " ") {
		s = `\s` + s[1:]
	}
	return s
}
