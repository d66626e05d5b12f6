package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// volumes materialises the volumes of one pod under a folder of its own and keeps them up to date.
type volumes struct {
	client    kubernetes.Interface
	directory string
	claims    string
	tokens    map[string]boundToken
}

// boundToken is a token of the pod; it is asked for anew at four fifths of its life, as the kubelet does.
type boundToken struct {
	text    string
	renewAt time.Time
}

func newVolumes(client kubernetes.Interface, directory, claims string) *volumes {
	return &volumes{client: client, directory: directory, claims: claims, tokens: map[string]boundToken{}}
}

func (v *volumes) path(name string) string { return filepath.Join(v.directory, name) }

// refresh writes every volume as it should be now. Returns when the next token has to be renewed (zero: none).
func (v *volumes) refresh(ctx context.Context, pod *corev1.Pod, facts podFacts) (time.Time, error) {
	objects := newObjects(v.client, pod.Namespace)
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		files, payload, err := v.payload(ctx, objects, pod, facts, volume)
		if err != nil {
			return time.Time{}, fmt.Errorf("MountVolume.SetUp failed for volume %q : %w", volume.Name, err)
		}
		if !payload {
			err = v.folder(pod, volume)
		} else {
			_, err = payloadWrite(v.path(volume.Name), files)
		}
		if err != nil {
			return time.Time{}, err
		}
	}
	var next time.Time
	for _, token := range v.tokens {
		if next.IsZero() || token.renewAt.Before(next) {
			next = token.renewAt
		}
	}
	return next, nil
}

// folder makes a volume that holds no payload: a claim is one folder that all pods share, a hostPath is itself,
// everything else is an empty folder of this pod.
func (v *volumes) folder(pod *corev1.Pod, volume *corev1.Volume) error {
	path := v.path(volume.Name)
	if volume.HostPath != nil || volume.PersistentVolumeClaim != nil {
		target := ""
		if volume.HostPath != nil {
			target = volume.HostPath.Path
		} else {
			target = filepath.Join(v.claims, pod.Namespace, volume.PersistentVolumeClaim.ClaimName)
			if err := os.MkdirAll(target, 0o777); err != nil {
				return err
			}
		}
		if err := os.MkdirAll(v.directory, 0o755); err != nil {
			return err
		}
		if existing, err := os.Readlink(path); err == nil && existing == target {
			return nil
		}
		return os.Symlink(target, path)
	}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	return os.Chmod(path, 0o777)
}

// payload collects a volume's files; false where the volume is not made of API objects.
func (v *volumes) payload(ctx context.Context, objects *objects, pod *corev1.Pod, facts podFacts,
	volume *corev1.Volume) (map[string]payloadFile, bool, error) {
	files := map[string]payloadFile{}
	var err error
	switch {
	case volume.Secret != nil:
		source := volume.Secret
		var data map[string][]byte
		if data, err = objects.secret(ctx, source.SecretName, source.Optional); err == nil {
			err = addItems(files, data, source.Items, source.DefaultMode, source.Optional)
		}
	case volume.ConfigMap != nil:
		source := volume.ConfigMap
		var data map[string][]byte
		if data, err = objects.configMap(ctx, source.Name, source.Optional); err == nil {
			err = addItems(files, data, source.Items, source.DefaultMode, source.Optional)
		}
	case volume.DownwardAPI != nil:
		err = addDownward(files, pod, facts, volume.DownwardAPI.Items, volume.DownwardAPI.DefaultMode)
	case volume.Projected != nil:
		for i := range volume.Projected.Sources {
			source := &volume.Projected.Sources[i]
			if err = v.addProjection(ctx, files, objects, pod, facts, volume, source); err != nil {
				break
			}
		}
	default:
		return nil, false, nil
	}
	return files, true, err
}

func (v *volumes) addProjection(ctx context.Context, files map[string]payloadFile, objects *objects, pod *corev1.Pod,
	facts podFacts, volume *corev1.Volume, source *corev1.VolumeProjection) error {
	mode := volume.Projected.DefaultMode
	switch {
	case source.Secret != nil:
		data, err := objects.secret(ctx, source.Secret.Name, source.Secret.Optional)
		if err != nil {
			return err
		}
		return addItems(files, data, source.Secret.Items, mode, source.Secret.Optional)
	case source.ConfigMap != nil:
		data, err := objects.configMap(ctx, source.ConfigMap.Name, source.ConfigMap.Optional)
		if err != nil {
			return err
		}
		return addItems(files, data, source.ConfigMap.Items, mode, source.ConfigMap.Optional)
	case source.DownwardAPI != nil:
		return addDownward(files, pod, facts, source.DownwardAPI.Items, mode)
	case source.ServiceAccountToken != nil:
		token, err := v.token(ctx, pod, volume.Name, source.ServiceAccountToken)
		if err != nil {
			return err
		}
		files[source.ServiceAccountToken.Path] = payloadFile{data: []byte(token), mode: modeOf(nil, mode)}
		return nil
	}
	return fmt.Errorf("a projected source of a kind that process-nodes does not know")
}

// token returns a token bound to the pod, the one at hand while it is young enough.
func (v *volumes) token(ctx context.Context, pod *corev1.Pod, volume string,
	source *corev1.ServiceAccountTokenProjection) (string, error) {
	key := volume + "/" + source.Path
	if held, found := v.tokens[key]; found && time.Now().Before(held.renewAt) {
		return held.text, nil
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: source.ExpirationSeconds,
		BoundObjectRef: &authenticationv1.BoundObjectReference{
			Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID},
	}}
	if source.Audience != "" {
		request.Spec.Audiences = []string{source.Audience}
	}
	asked := time.Now()
	answer, err := v.client.CoreV1().ServiceAccounts(pod.Namespace).
		CreateToken(ctx, pod.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("failed to fetch token: %w", err)
	}
	life := answer.Status.ExpirationTimestamp.Sub(asked)
	v.tokens[key] = boundToken{text: answer.Status.Token, renewAt: asked.Add(life / 5 * 4)}
	return answer.Status.Token, nil
}

// addItems takes all keys of a Secret or ConfigMap, or just the items named.
func addItems(files map[string]payloadFile, data map[string][]byte, items []corev1.KeyToPath, mode *int32, optional *bool) error {
	if len(items) == 0 {
		for key, value := range data {
			files[key] = payloadFile{data: value, mode: modeOf(nil, mode)}
		}
		return nil
	}
	for _, item := range items {
		value, found := data[item.Key]
		if !found {
			if isTrue(optional) {
				continue
			}
			return fmt.Errorf("references non-existent secret key: %s", item.Key)
		}
		files[item.Path] = payloadFile{data: value, mode: modeOf(item.Mode, mode)}
	}
	return nil
}

func addDownward(files map[string]payloadFile, pod *corev1.Pod, facts podFacts, items []corev1.DownwardAPIVolumeFile, mode *int32) error {
	for _, item := range items {
		var value string
		var err error
		if item.FieldRef != nil {
			value, err = fieldValue(pod, facts, item.FieldRef.FieldPath)
		} else {
			value, err = resourceValue(pod, facts, nil, item.ResourceFieldRef)
		}
		if err != nil {
			return err
		}
		files[item.Path] = payloadFile{data: []byte(value), mode: modeOf(item.Mode, mode)}
	}
	return nil
}

func modeOf(own, general *int32) fs.FileMode {
	switch {
	case own != nil:
		return fs.FileMode(*own) & fs.ModePerm
	case general != nil:
		return fs.FileMode(*general) & fs.ModePerm
	}
	return 0o644
}
