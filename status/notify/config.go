package notify

// Config is what flags and variables say about notifications.
type Config struct {
	Kind    string `env:"NOTIFY" usage:"tell slack, teams, discord or a webhook of failures and recoveries; the task file's notify says more, and knows more services" value:"KIND"`
	URLFile string `env:"NOTIFY_URL_FILE" usage:"the file that holds the address for --notify, which is a secret" value:"FILE"`
}
