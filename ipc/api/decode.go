package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// MaxRequest is the largest request, in bytes.
const MaxRequest = 64 << 10

// Decode reads one JSON object into a pointer by a closed schema. No bytes at
// all read as an empty object.
func Decode(r io.Reader, into any) error {
	limited := &io.LimitedReader{R: r, N: MaxRequest + 1}
	dec := json.NewDecoder(limited)
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if errors.Is(err, io.EOF) && limited.N > 0 {
		return nil
	}
	_, end := dec.Token()
	switch {
	case limited.N <= 0:
		return Invalid("cannot read the request: it is larger than " + strconv.Itoa(MaxRequest) + " bytes")
	case err != nil:
		return Invalid("cannot read the request: " + shape(err))
	case !errors.Is(end, io.EOF):
		return Invalid("cannot read the request: there is data after its end")
	}
	return nil
}

// shape tells what is wrong with a request without repeating its values, which
// may be a password.
func shape(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return "the field " + strconv.Quote(wrong.Field) + " has the wrong type"
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return "the field " + name + " is not known"
	}
	return "it is not one JSON object"
}

// DecodeQuery reads the parameters of an address into a pointer to a flat
// struct, by its JSON names and a closed schema.
func DecodeQuery(values url.Values, into any) error {
	v := reflect.ValueOf(into).Elem()
	if v.Kind() != reflect.Struct {
		return Invalid("cannot read the address: it takes no parameters")
	}
	fields := make(map[string]reflect.Value, v.NumField())
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = v.Field(i)
	}
	for name, given := range values {
		field, ok := fields[name]
		if !ok || len(given) != 1 {
			return Invalid("cannot read the address: the parameter " + strconv.Quote(name) + " is not known, or given twice")
		}
		if err := setField(field, given[0]); err != nil {
			return Invalid("cannot read the address: the parameter " + strconv.Quote(name) + " has the wrong type")
		}
	}
	return nil
}

var errFieldKind = errors.New("a parameter of this type is not supported")

func setField(field reflect.Value, text string) error {
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return err
		}
		field.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		field.SetInt(int64(n))
	default:
		return errFieldKind
	}
	return nil
}

// EncodeQuery is the inverse of DecodeQuery for a flat struct.
func EncodeQuery(from any) url.Values {
	values := url.Values{}
	v := reflect.ValueOf(from)
	if v.Kind() != reflect.Struct {
		return values
	}
	for i := range v.NumField() {
		field := v.Field(i)
		if field.IsZero() {
			continue
		}
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		switch field.Kind() {
		case reflect.String:
			values.Set(name, field.String())
		case reflect.Bool:
			values.Set(name, strconv.FormatBool(field.Bool()))
		case reflect.Int:
			values.Set(name, strconv.FormatInt(field.Int(), 10))
		}
	}
	return values
}
