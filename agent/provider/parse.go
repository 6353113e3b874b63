package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// parse reads one profile and refuses what the schema does not name. It never
// panics, whatever raw holds.
func parse(raw []byte) (Profile, error) {
	if err := checkKeys(raw); err != nil {
		return Profile{}, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var p Profile
	if err := dec.Decode(&p); err != nil {
		return Profile{}, err
	}
	if err := p.validate(); err != nil {
		return Profile{}, err
	}
	return p, nil
}

// maxDepth is far above what the schema needs.
const maxDepth = 16

// checkKeys refuses what encoding/json lets through: a key given twice (the
// last one would win), a key in another case (it would match), null, and text
// after the object.
func checkKeys(raw []byte) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	if tok != json.Delim('{') {
		return errors.New("not an object")
	}
	if err := checkObject(dec, 1); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("text after the object")
	}
	return nil
}

// checkObject reads an object whose brace was already read.
func checkObject(dec *json.Decoder, depth int) error {
	seen := map[string]bool{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		key, ok := tok.(string)
		if !ok {
			return fmt.Errorf("%v where a field's name is wanted", tok)
		}
		if seen[key] {
			return fmt.Errorf("field %q is given twice", key)
		}
		if key != strings.ToLower(key) {
			return fmt.Errorf("unknown field %q", key)
		}
		seen[key] = true
		if err := checkValue(dec, depth); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	_, err := dec.Token()
	return err
}

func checkValue(dec *json.Decoder, depth int) error {
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	if tok == nil {
		return errors.New("null; leave the field out instead")
	}
	delim, nested := tok.(json.Delim)
	if !nested {
		return nil
	}
	if depth == maxDepth {
		return errors.New("nested too deeply")
	}
	if delim == '{' {
		return checkObject(dec, depth+1)
	}
	for dec.More() {
		if err := checkValue(dec, depth+1); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}
