package address

import (
	"testing"

	"github.com/bittrance/kitops/poller/secret/secrettest"
)

// TestAddressesShowNoCredentials prints an address also from within a field
// whose methods nobody can call.
func TestAddressesShowNoCredentials(t *testing.T) {
	for _, address := range []string{"https://hunter2@host/a", "https://me:hunter2@host/a", "ssh://git:hunter2@host/a", "https://hunter2:x-oauth-basic@host/a"} {
		u, err := ParseURL(address)
		if err != nil {
			t.Fatal(err)
		}
		secrettest.Hidden(t, []string{"hunter2"}, u, &u, struct{ at URL }{u}, struct{ At *URL }{&u}, []URL{u})
	}
}
