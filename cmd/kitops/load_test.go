package main

import (
	"bytes"
	"testing"

	"github.com/spf13/pflag"

	"github.com/bittrance/kitops/cmd/kitops/settings"
)

// loaded is what flags and variables ask for.
func loaded(t *testing.T, environ []string, args ...string) (settings.Settings, []string, error) {
	t.Helper()
	all := settings.NewOptions()
	flags := pflag.NewFlagSet("kitops", pflag.ContinueOnError)
	all.Register(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return all.Load(environ)
}

// checked is what kitops check says on standard error, and its exit code.
func checked(environ []string, args ...string) (said string, code int) {
	var out, errs bytes.Buffer
	code = program{environ: environ, stdout: &out, stderr: &errs}.main(append([]string{"check"}, args...))
	return errs.String(), code
}
