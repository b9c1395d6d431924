package doctor

import (
	"context"
	"fmt"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
)

// mighty are groups whose members can become root, or read what is root's.
func mighty() []string {
	return []string{"root", "wheel", "sudo", "admin", "docker", "podman", "lxd", "incus", "libvirt", "disk", "shadow", "adm", "systemd-journal", "kvm"}
}

// untrusted tells what becomes of what strangers have written.
func (d *Doctor) untrusted(ctx context.Context, s settings.Settings) {
	who, named, err := s.Strangers()
	switch {
	case err != nil:
		d.fail("untrusted user", err, "name a user who is for nothing else by --untrusted-user, and start kitops as root")
		return
	case !named:
		return
	case s.Actions.Shared():
		d.say(app.Fail, "untrusted user: what strangers have written runs as the user of all other actions, and gets at what they get at",
			"name a user who is for nothing else by --untrusted-user; a number that is nobody's will do")
		return
	}
	if groups := mightyGroups(who); len(groups) > 0 {
		d.say(app.Fail, fmt.Sprintf("untrusted user %s is in the group %s, by which one can do what root can", who.Name, strings.Join(groups, ", ")), "take him out of it")
		return
	}
	if dir := s.Poller.RepoDir; dir != "" {
		if err := entered(ctx, dir, d.Process.Environ, who); err != nil {
			d.say(app.Warn, fmt.Sprintf("untrusted user %s does not get through %s now", who.Name, dir), "kitops lets him pass the directory itself when it starts; chmod o+x the folders above")
		}
	}
	d.say(app.OK, fmt.Sprintf("untrusted user: what strangers have written runs as %s; whatever else runs as that user is ended", who.Name), "")
	for _, t := range s.Tasks {
		if t.Pulls != nil && t.Pulls.Approved && t.Limits == (actions.Limits{}) {
			d.say(app.Warn, "task "+t.Name+": what strangers have written may use all memory and processors of this machine", "set limits")
		}
	}
}

func mightyGroups(who *actions.User) (all []string) {
	for _, id := range who.Groups {
		group, err := user.LookupGroupId(strconv.Itoa(id))
		if err == nil && slices.Contains(mighty(), group.Name) {
			all = append(all, group.Name)
		}
	}
	return all
}

// bots warns of tasks with secrets whose branches are also those that bots push, with the code of strangers in them.
func (d *Doctor) bots(s settings.Settings) {
	for _, t := range s.Tasks {
		secrets := t.Bring != nil && len(t.Bring.Secrets)+len(t.Bring.Token) > 0 || slices.ContainsFunc(t.AllActions(), func(a actions.Action) bool {
			return len(a.Secrets)+len(a.Token) > 0
		})
		for _, bot := range []string{"dependabot", "renovate"} {
			if matched, _ := t.Refs.Match("refs/heads/" + bot + "/npm/left-pad-1.0"); matched && secrets {
				d.say(app.Warn, fmt.Sprintf("task %s: its branches are also those of %s, whose updates bring what strangers have written, such as install scripts, and its actions have secrets", t.Name, bot),
					fmt.Sprintf("exclude them by \"!%s/**\"", bot))
			}
		}
	}
}
