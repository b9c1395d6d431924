package metrics

// Config is what flags and variables say about metrics.
type Config struct {
	Address string `env:"METRICS" usage:"address at which Prometheus scrapes GET /metrics, such as 127.0.0.1:9464 (default: off)" value:"ADDRESS"`
}
