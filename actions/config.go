package actions

// Config is what flags and variables say about running actions.
type Config struct {
	User string `env:"ACTION_USER" usage:"run actions as this user and its groups (kitops must be root); same for kitops' own" value:"USER"`
}

// own is the User that takes back one that was named, as an image does.
const own = "same"

// Named tells whether actions are to run as a user of their own.
func (c Config) Named() bool { return c.User != "" && c.User != own }
