package actions

// Config is what flags and variables say about running actions.
type Config struct {
	User string `env:"ACTION_USER" usage:"run actions as this user and its groups (kitops must be root)" value:"USER"`
}
