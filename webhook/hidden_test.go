package webhook

import (
	"testing"

	hidden "github.com/bittrance/kitops/poller/secret"
	"github.com/bittrance/kitops/poller/secret/secrettest"
)

func TestSecretsAndRelaysAreNotShown(t *testing.T) {
	secrets, err := LiteralSecrets(hidden.New("a secret of more than sixteen bytes\nand another of more than sixteen"), quiet())
	if err != nil {
		t.Fatal(err)
	}
	relay := &Relay{URL: hidden.New("https://smee.io/confidential"), Secrets: secrets, Log: quiet()}
	secrettest.Hidden(t, []string{"sixteen", "confidential"}, secrets, relay, Options{Secrets: secrets})
}
