package settings

import (
	"slices"
	"testing"
)

// TestSecretVariables are those of kitops, and those by which it reaches a shared store.
func TestSecretVariables(t *testing.T) {
	t.Parallel()
	environ := []string{
		"KITOPS_WEBHOOK_SECRET=one", "KITOPS_URL=https://github.com/acme/shop", "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=two",
		"AZURE_STORAGE_ACCOUNT_KEY=three", "AZURE_CLIENT_ID=id",
	}
	own := []string{"KITOPS_WEBHOOK_SECRET"}
	both := append(slices.Clone(own), "AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_ACCOUNT_KEY")
	all := NewOptions()
	if got := all.SecretVariables(environ); !slices.Equal(got, own) { // the others are for actions
		t.Errorf("with a file: %q", got)
	}
	if got := all.SecretVariables(append(environ, "KITOPS_STATE=s3://acme/team")); !slices.Equal(got, both) {
		t.Errorf("with a bucket: %q", got)
	}
	set(t, all, "STATE", "azblob://acme/kitops/team")
	if got := all.SecretVariables(environ); !slices.Equal(got, both) {
		t.Errorf("with a container by a flag: %q", got)
	}
}

// TestBeside is where an agent remembers an upgrade.
func TestBeside(t *testing.T) {
	t.Parallel()
	for want, environ := range map[string][]string{
		"./state.yaml":      {},
		"/srv/state.yaml":   {"KITOPS_STATE_FILE=/srv/state.yaml", "KITOPS_REPO_DIR=/srv/repos"},
		"/srv/other.yaml":   {"KITOPS_STATE=file:/srv/other.yaml"},
		"/srv/repos/kitops": {"KITOPS_STATE=s3://acme/team", "KITOPS_REPO_DIR=/srv/repos"},
		"":                  {"KITOPS_STATE=s3://acme/team"},
	} {
		if got := NewOptions().Beside(environ); got != want {
			t.Errorf("%q is beside %q, want %q", environ, got, want)
		}
	}
}
