package settings

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/notify"
)

// Notification is a target, and of what it is notified.
type Notification struct {
	Target notify.Target
	On     []poller.Change
	After  int
	Behind time.Duration `json:",omitempty"`
}

// notifyKeys are those of one notification.
type notifyKeys struct {
	To         text  `key:"to" values:"slack,teams,discord,webhook,ntfy,gotify,telegram,matrix,mail" need:"yes" help:"The service."`
	On         texts `key:"on" each:"on" default:"failure, error, recovery, gave_up" help:"What it hears of: start, success, failure, error, recovery, gave_up, behind."`
	After      word  `key:"after" default:"1" help:"How many tries in a row must have failed before it hears of that."`
	Behind     span  `key:"behind_after" default:"1h" help:"With behind in on: how long a head that should be applied may wait before it hears of that."`
	Template   text  `key:"template" help:"A Go template of the text, with the fields Task, Ref, SHA, Outcome, Action, Reason, Attempt, Took, Previous, Member, URL, Change, Since and Broken."`
	URLFile    text  `key:"url_file" help:"slack, teams, discord, webhook: the file with the address, relative to the task file."`
	SecretFile text  `key:"secret_file" help:"webhook: the file with the secret that signs bodies in X-Kitops-Signature-256."`
	URL        text  `key:"url" help:"ntfy: the address of the topic; gotify: that of the server."`
	TokenFile  text  `key:"token_file" help:"ntfy, gotify, telegram, matrix: the file with the token."`
	Chat       word  `key:"chat" help:"telegram: the chat's id, or @channel."`
	Server     text  `key:"server" help:"matrix: the address of the home server."`
	Room       text  `key:"room" help:"matrix: the room's id, such as !abc:example.com."`
	SMTP       text  `key:"smtp" help:"mail: HOST:PORT, or USER@HOST:PORT where the user is not from."`
	Password   text  `key:"password_file" help:"mail: the file with the password."`
	From       text  `key:"from" help:"mail: the sender's address."`
	Recipients texts `key:"recipients" each:"recipients" help:"mail: addresses."`
}

// usualChanges are what a target hears of that does not say.
func usualChanges() []poller.Change {
	return []poller.Change{poller.Failed, poller.Erred, poller.Recovered, poller.GaveUp}
}

// usualBehind is how long a head may wait for who does not say.
const usualBehind = time.Hour

// notifications makes targets of their keys.
func (f taskFile) notifications(all *list[notifyKeys]) []Notification {
	var made []Notification
	for i := range all.entries {
		made = append(made, f.notification(&all.entries[i]))
	}
	return made
}

func (f taskFile) notification(e *entry[notifyKeys]) Notification {
	keys := &e.keys
	f.require(keys, e.body, "notify")
	file := func(t *text) string {
		if t.value == "" {
			return ""
		}
		return f.path(t.value)
	}
	n := Notification{
		Target: notify.Target{
			Kind: keys.To.value, URLFile: file(&keys.URLFile), SecretFile: file(&keys.SecretFile), URL: keys.URL.value, TokenFile: file(&keys.TokenFile),
			Chat: keys.Chat.value, Server: keys.Server.value, Room: keys.Room.value, SMTP: keys.SMTP.value, Password: file(&keys.Password),
			From: keys.From.value, Recipients: keys.Recipients.all(), Template: keys.Template.value,
		},
		On: usualChanges(), After: 1, Behind: keys.Behind.or(usualBehind),
	}
	if n.Target.Kind != "" {
		f.judge(e.body, "notify", n.Target.Check())
	}
	if keys.On.given {
		n.On = nil
		for _, on := range keys.On.entries {
			change := poller.Change(on.value)
			if known := append(usualChanges(), poller.Begun, poller.Succeeded, poller.Late); on.value != "" && !slices.Contains(known, change) {
				f.Wrong(on.node, "on: %q is none of start, success, failure, error, recovery, gave_up, behind", on.value)
			}
			n.On = append(n.On, change)
		}
	}
	if keys.Behind.given && !slices.Contains(n.On, poller.Late) {
		f.Wrong(keys.Behind.node, "behind_after goes with behind in on")
	}
	if keys.After.given {
		var err error
		if n.After, err = strconv.Atoi(keys.After.value); err != nil || n.After < 1 {
			f.Wrong(keys.After.node, "after must be a number of tries from 1, not %q", keys.After.value)
		}
	}
	return n
}

// notified gives a task without a target of its own the one that flags name.
func (c Config) notified(t Task) Task {
	if len(t.Notify) == 0 && c.Notify.Kind != "" {
		t.Notify = []Notification{{Target: target(c.Notify), On: usualChanges(), After: 1, Behind: usualBehind}}
	}
	return t
}

// target is what flags name.
func target(c notify.Config) notify.Target { return notify.Target{Kind: c.Kind, URLFile: c.URLFile} }

// checkNotify judges what flags say.
func (all Options) checkNotify(c notify.Config) []error {
	kind, file := all.ByKey("NOTIFY"), all.ByKey("NOTIFY_URL_FILE")
	switch {
	case kind.origin == "" && file.origin == "" || kind.has("") || file.has(""):
		return nil
	case kind.origin == "":
		return []error{fmt.Errorf("%s without --notify: say which service it is", file.origin)}
	}
	err := target(c).Check()
	if err != nil && file.origin == "" {
		err = errors.New("needs --notify-url-file; services that need more stand in a task file")
	}
	if err != nil {
		return []error{fmt.Errorf("%s: %w", kind.origin, err)}
	}
	return nil
}

// notifiedPlainly warns of messages and their secrets that others can read on the way.
func (s Settings) notifiedPlainly() []string {
	var warnings []string
	for _, target := range s.Targets() {
		if target.Plain() {
			warnings = append(warnings, fmt.Sprintf("notifications to %s travel unencrypted: use https", target))
		}
	}
	return warnings
}

// Targets are all targets of notifications, each once.
func (s Settings) Targets() []notify.Target {
	var all []notify.Target
	for _, t := range s.Tasks {
		for _, n := range t.Notify {
			if !slices.ContainsFunc(all, func(other notify.Target) bool { return other.To() == n.Target.To() }) {
				all = append(all, n.Target)
			}
		}
	}
	return all
}

// notificationsShown are notifications as a task file has them.
func notificationsShown(all []Notification) (shown list[notifyKeys]) {
	for _, n := range all {
		t := n.Target
		keys := notifyKeys{To: text{given(), t.Kind}, After: word{given(), strconv.Itoa(n.After)}}
		var on []string
		for _, change := range n.On {
			on = append(on, string(change))
		}
		keys.On = shownTexts(on)
		if slices.Contains(n.On, poller.Late) {
			keys.Behind = span{given(), n.Behind}
		}
		for _, field := range []struct {
			key   *text
			value string
		}{
			{&keys.Template, t.Template},
			{&keys.URLFile, t.URLFile},
			{&keys.SecretFile, t.SecretFile},
			{&keys.URL, masked(t.URL)},
			{&keys.TokenFile, t.TokenFile},
			{&keys.Server, masked(t.Server)},
			{&keys.Room, t.Room},
			{&keys.SMTP, t.SMTP},
			{&keys.Password, t.Password},
			{&keys.From, t.From},
		} {
			if field.value != "" {
				*field.key = text{given(), field.value}
			}
		}
		if t.Chat != "" {
			keys.Chat = word{given(), t.Chat}
		}
		if len(t.Recipients) > 0 {
			keys.Recipients = shownTexts(t.Recipients)
		}
		shown.given = true
		shown.entries = append(shown.entries, entry[notifyKeys]{keys: keys})
	}
	return shown
}
