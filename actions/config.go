package actions

// Config is what flags and variables say about running actions.
type Config struct {
	User      string `env:"ACTION_USER" usage:"run actions as this user and its groups (kitops must be root); same for kitops' own" value:"USER"`
	Untrusted string `env:"UNTRUSTED_USER" usage:"run what strangers have written as this user, who is for nothing else: whatever runs as it is ended (kitops must be root); a number that is nobody's will do; same for the user of all other actions" value:"USER"`
}

// own is the User that takes back one that was named, as an image does.
const own = "same"

// Named tells whether actions are to run as a user of their own.
func (c Config) Named() bool { return c.User != "" && c.User != own }

// Shared tells whether untrusted runs are, in so many words, the user of all others.
func (c Config) Shared() bool { return c.Untrusted == own }
