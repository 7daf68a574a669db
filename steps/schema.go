package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/schema"
)

func (s *scenario) bodyMatches(_ context.Context, name string) error {
	resp, err := s.response()
	if err != nil {
		return err
	}
	// A schema may refer to another one that is not there: that is a mistake in it.
	if _, err := fs.Stat(s.vocabulary.opts.Fixtures, path.Join(s.provider.ID, name+schema.Ending)); errors.Is(err, fs.ErrNotExist) {
		return invalid(check.MissingFixture, fmt.Sprintf("%s: no schema %q%s", s.provider.ID, name, s.schemasThereAre()),
			fmt.Sprintf("Write fixtures/%s/%s%s; authspec schema %s CALL infers one.", s.provider.ID, name, schema.Ending, s.provider.ID))
	}
	wanted, err := schema.Load(s.vocabulary.opts.Fixtures, s.provider.ID, name)
	if err != nil {
		return invalid(check.BadExpectation, "fixtures/"+err.Error(), "Correct the schema: it is JSON Schema, draft 2020-12.")
	}
	violations, err := wanted.Check(resp.Body)
	if err != nil {
		return s.miss(check.ContentType, fmt.Sprintf("%s: the response body is not JSON", resp.Call),
			check.Miss{Row: -1, Subject: "response body", Expected: "JSON", Actual: describe(resp)})
	}
	if len(violations) == 0 {
		return nil
	}
	body := gjson.ParseBytes(resp.Body)
	var misses []check.Miss
	for _, v := range violations {
		misses = append(misses, check.Miss{Row: -1, Subject: v.Path, Expected: v.Expected, Actual: s.show(body.Get(v.Path))})
	}
	return s.miss(check.Shape, fmt.Sprintf("%s: the response body does not match the schema %q", resp.Call, name), misses...)
}

// schemasThereAre names the schemas of the provider, for an error.
func (s *scenario) schemasThereAre() string {
	files, err := fs.Glob(s.vocabulary.opts.Fixtures, s.provider.ID+"/*"+schema.Ending)
	if err != nil || len(files) == 0 {
		return ": there are none"
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(path.Base(f), schema.Ending))
	}
	return ": there are " + strings.Join(names, ", ")
}
