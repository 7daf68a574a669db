package verify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/robfig/cron/v3"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// A manifest is what cronjob.yaml holds.
type manifest struct {
	config core.ConfigMap
	claim  core.PersistentVolumeClaim
	job    batch.CronJob
}

// decode reads each document as the API server would with --validate=strict.
func decode(text string) (m manifest, problems []string) {
	for i, document := range strings.Split(text, "\n---\n") {
		broken := func(err error) { problems = append(problems, fmt.Sprintf("document %d: %v", i+1, err)) }
		var kind struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			broken(err)
			continue
		}
		into, known := map[string]any{
			"v1 ConfigMap": &m.config, "v1 PersistentVolumeClaim": &m.claim, "batch/v1 CronJob": &m.job,
		}[kind.APIVersion+" "+kind.Kind]
		if !known {
			broken(fmt.Errorf("unknown kind %s %s", kind.APIVersion, kind.Kind))
			continue
		}
		b, err := yaml.YAMLToJSONStrict([]byte(document))
		if err != nil {
			broken(err)
			continue
		}
		strict, err := json.UnmarshalStrict(b, into)
		if err != nil {
			broken(err)
		}
		for _, err := range strict {
			broken(err)
		}
	}
	return m, problems
}

// kubernetesProblems holds a manifest against its promises.
func kubernetesProblems(text string) []string {
	m, problems := decode(text)
	want := func(ok bool, what string) {
		if !ok {
			problems = append(problems, "not so: "+what)
		}
	}
	spec := m.job.Spec
	job := spec.JobTemplate.Spec
	pod := job.Template.Spec
	if len(pod.Containers) != 1 || pod.SecurityContext == nil || pod.Containers[0].SecurityContext == nil {
		return append(problems, "not so: one container, with security contexts")
	}
	c := pod.Containers[0]

	_, err := cron.ParseStandard(spec.Schedule)
	want(err == nil, "schedule is a cron expression")
	want(spec.TimeZone != nil, "timeZone is named")
	if spec.TimeZone != nil {
		_, err := time.LoadLocation(*spec.TimeZone)
		want(err == nil, "timeZone exists")
	}
	want(spec.ConcurrencyPolicy == batch.ForbidConcurrent, "never two at once")
	want(is(spec.StartingDeadlineSeconds, func(n int64) bool { return n >= 600 }), "a start may be late")
	want(is(job.BackoffLimit, func(n int32) bool { return n == 0 }), "backoffLimit 0: a refused attempt is not repeated")
	want(is(job.ActiveDeadlineSeconds, func(n int64) bool { return n > 3600 }), "it may take longer than --deadline, and not for ever")
	want(pod.RestartPolicy == core.RestartPolicyNever, "restartPolicy Never: a refused attempt is not repeated")
	want(is(pod.TerminationGracePeriodSeconds, func(n int64) bool { return n >= 30 }), "time to write results")

	isTrue, isFalse := func(b bool) bool { return b }, func(b bool) bool { return !b }
	want(is(pod.AutomountServiceAccountToken, isFalse), "no token of the cluster")
	want(is(pod.SecurityContext.RunAsNonRoot, isTrue), "runAsNonRoot")
	want(is(pod.SecurityContext.RunAsUser, func(n int64) bool { return n > 0 }), "runAsUser is a number")
	want(pod.SecurityContext.SeccompProfile != nil && pod.SecurityContext.SeccompProfile.Type == core.SeccompProfileTypeRuntimeDefault, "seccomp RuntimeDefault")
	want(is(c.SecurityContext.AllowPrivilegeEscalation, isFalse), "no privilege escalation")
	want(is(c.SecurityContext.ReadOnlyRootFilesystem, isTrue), "readOnlyRootFilesystem")
	want(c.SecurityContext.Capabilities != nil && slices.Equal(c.SecurityContext.Capabilities.Drop, []core.Capability{"ALL"}) &&
		len(c.SecurityContext.Capabilities.Add) == 0, "all capabilities dropped")
	want(!pod.HostNetwork && !pod.HostPID && !pod.HostIPC, "nothing of the host")
	want(c.Resources.Limits.Memory().Cmp(resource.MustParse("256Mi")) >= 0, "a memory limit with room for ten thousand credentials")
	want(!c.Resources.Limits.Cpu().IsZero(), "a cpu limit")
	want(!strings.HasSuffix(c.Image, ":latest") && strings.Contains(c.Image, ":"), "the image has a version")

	var claims, configs, secrets []string
	for _, v := range pod.Volumes {
		switch {
		case v.PersistentVolumeClaim != nil:
			claims = append(claims, v.PersistentVolumeClaim.ClaimName)
		case v.Projected != nil:
			want(is(v.Projected.DefaultMode, func(n int32) bool { return n == 0o440 }), "others cannot read the secrets")
			for _, s := range v.Projected.Sources {
				if s.ConfigMap != nil {
					configs = append(configs, s.ConfigMap.Name)
				}
				if s.Secret != nil {
					secrets = append(secrets, s.Secret.Name)
				}
			}
		}
	}
	want(slices.Equal(claims, []string{m.claim.Name}), "the history is on the claim")
	want(slices.Equal(configs, []string{m.config.Name}), "credentials.yaml is the ConfigMap's")
	want(slices.Equal(secrets, []string{"authspec-secrets"}), "the secrets are the Secret's")
	for _, mount := range c.VolumeMounts {
		want(slices.ContainsFunc(pod.Volumes, func(v core.Volume) bool { return v.Name == mount.Name }), "the volume "+mount.Name+" is there")
	}
	return problems
}

func is[T any](p *T, ok func(T) bool) bool { return p != nil && ok(*p) }

func TestKubernetes(t *testing.T) {
	text := read(t, "kubernetes/cronjob.yaml")
	expectNone(t, kubernetesProblems(text))
	for _, mistake := range []struct{ from, to, want string }{
		{"backoffLimit: 0", "backofLimit: 0", "backofLimit"},
		{"backoffLimit: 0", "backofflimit: 0", "backofflimit"},
		{"backoffLimit: 0", "backoffLimit: 6", "backoffLimit 0"},
		{"backoffLimit: 0", "backoffLimit: none", "cannot unmarshal"},
		{"timeZone: Europe/Berlin", "timeZone: Europe/Berln", "timeZone exists"},
		{"concurrencyPolicy: Forbid", "concurrencyPolicy: Allow", "never two at once"},
		{`"30 2 * * *"`, `"30 25 * * *"`, "cron expression"},
		{"restartPolicy: Never", "restartPolicy: OnFailure", "restartPolicy Never"},
		{"startingDeadlineSeconds", "#", "a start may be late"},
		{"activeDeadlineSeconds", "#", "not for ever"},
		{"runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot"},
		{"readOnlyRootFilesystem: true", "", "readOnlyRootFilesystem"},
		{"drop: [ALL]", "drop: [NET_RAW]", "all capabilities"},
		{"type: RuntimeDefault", "type: Unconfined", "seccomp"},
		{"defaultMode: 0440", "defaultMode: 0444", "others cannot read"},
		{"claimName: authspec-history", "claimName: histroy", "on the claim"},
		{"memory: 512Mi", "memory: 512Mega", "quantities"},
		{"apiVersion: batch/v1\n", "apiVersion: batch/v1beta1\n", "unknown kind"},
		{"mountPath: /etc/authspec,", "mountPath: /etc/authspec, mountPath: /x,", "already set"},
	} {
		expectProblem(t, kubernetesProblems(change(t, text, mistake.from, mistake.to)), mistake.want)
	}
}
