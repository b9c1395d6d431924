package webhook

import "time"

// Config is what flags and variables say about nudges from outside.
type Config struct {
	Listen             string        `env:"LISTEN" usage:"address of the HTTP server, such as :8080 (default: off)" value:"ADDRESS"`
	SecretFile         string        `env:"WEBHOOK_SECRET_FILE" usage:"webhook secrets, one per line; or the secret itself in KITOPS_WEBHOOK_SECRET" value:"FILE"`
	Secret             string        `env:"WEBHOOK_SECRET" flag:"-" secret:"true"`
	Relay              string        `env:"WEBHOOK_RELAY" secret:"true" usage:"URL of an SSE relay channel: webhooks without an inbound port; treated as a secret" value:"URL"`
	DeliveriesInterval time.Duration `env:"DELIVERIES_INTERVAL" usage:"how often to read the App's own delivery log, 0 for never" value:"DURATION"`
}
