package webhook

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	hidden "github.com/bittrance/kitops/poller/secret"
)

// Config is what flags and variables say about nudges from outside.
type Config struct {
	Listen             string        `env:"LISTEN" usage:"address of the HTTP server, such as :8080 (default: off)" value:"ADDRESS"`
	TLSCertFile        string        `env:"TLS_CERT_FILE" usage:"certificate chain of the HTTP server (PEM), read again when it changes (default: plain HTTP)" value:"FILE"`
	TLSKeyFile         string        `env:"TLS_KEY_FILE" usage:"private key of that certificate (PEM)" value:"FILE"`
	TrustedProxy       []string      `env:"TRUSTED_PROXY" list:"commas" usage:"network of reverse proxies whose X-Forwarded-For is believed; repeatable, the variable takes a list with commas or newlines" value:"CIDR"`
	SecretFile         string        `env:"WEBHOOK_SECRET_FILE" usage:"webhook secrets, one per line; or the secret itself in KITOPS_WEBHOOK_SECRET" value:"FILE"`
	Secret             hidden.Text   `env:"WEBHOOK_SECRET" flag:"-" secret:"true"`
	Relay              hidden.Text   `env:"WEBHOOK_RELAY" secret:"true" usage:"URL of an SSE relay channel: webhooks without an inbound port; treated as a secret" value:"URL"`
	RelayUnverified    bool          `env:"WEBHOOK_RELAY_UNVERIFIED" usage:"let relayed webhooks whose signature cannot be checked cause polls, few at a time"`
	DeliveriesInterval time.Duration `env:"DELIVERIES_INTERVAL" usage:"how often to read the App's own delivery log, 0 for never" value:"DURATION"`
}

// ParseProxies reads networks such as 10.0.0.0/8, and single addresses.
func ParseProxies(networks []string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, network := range networks {
		text := strings.TrimSpace(network)
		if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
			prefixes = append(prefixes, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a network such as 10.0.0.0/8", network)
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}
