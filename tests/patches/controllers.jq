# What the controllers, the scheduler and the kubelet make of a change. Input: the objects after it; $before: those
# before; $deleted: places in the list that are deleted. A pod that is replaced keeps its name, its uid and what its
# sidecar reported: the report is about the same server. A container whose spec is what it was fares as it did.
def owner: first(.metadata.ownerReferences[]? | select(.controller)) // null;
def same($object): .kind == $object.kind and .metadata.name == $object.metadata.name and
    .metadata.namespace == $object.metadata.namespace;
def owned_by($object; $reference): $reference != null and $object.kind == $reference.kind and
    $object.metadata.name == $reference.name;

# The workload of a pod: that of its ReplicaSet, where it has one.
def workload($objects): . as $pod | owner as $first |
    first($objects[] | select(owned_by(.; $first) and .metadata.namespace == $pod.metadata.namespace)) // null |
    if . != null and .kind == "ReplicaSet" then
        . as $set | owner as $second |
        first($objects[] | select(owned_by(.; $second) and .metadata.namespace == $set.metadata.namespace)) // $set
    else . end;

def containers: (.initContainers // []) + (.containers // []);

def fares($old; $name; $now): . as $status |
    if ($old.spec | containers | map(select(.name == $name))) == $now and $status != null then $status
    else {name: $name, ready: true, started: true, restartCount: 0,
          state: {running: {startedAt: $old.metadata.creationTimestamp}}} end;
def statuses($old; $list; $kept): [$list[] | . as $container | .name as $name |
    first($kept[]? | select(.name == $name)) // null | fares($old; $name; [$container])];

def priority($objects): .spec.priorityClassName as $class |
    if $class == null then del(.spec.priority)
    else .spec.priority = (first($objects[] | select(.kind == "PriorityClass" and .metadata.name == $class).value) // null) end |
    if .spec.priority == null then del(.spec.priority) else . end;

def replaced($workload; $objects): . as $old | $workload.spec.template as $template |
    [$workload.spec.volumeClaimTemplates[]?.metadata.name] as $claims |
    .metadata.labels = ((.metadata.labels // {} | with_entries(select(.key | test("hash$|pod-name$|pod-index$")))) +
        ($template.metadata.labels // {})) |
    .metadata.annotations = ($template.metadata.annotations // {}) |
    .spec = $template.spec + {nodeName: .spec.nodeName} |
    .spec.volumes = ($template.spec.volumes // []) +
        [$old.spec.volumes[]? | select(.name | IN($claims[]))] |
    priority($objects) |
    del(.status.qosClass) |
    if .spec.nodeName == null then .
    else
        .status.containerStatuses = statuses($old; $template.spec.containers; $old.status.containerStatuses) |
        .status.initContainerStatuses = statuses($old; [$template.spec.initContainers[]? | select(.restartPolicy == "Always")];
            $old.status.initContainerStatuses) |
        if all(.status.containerStatuses[], .status.initContainerStatuses[]; .state | has("running")) then
            .status.phase = "Running" |
            .status.conditions = [.status.conditions[]? | select(.type | IN("Ready", "ContainersReady", "Initialized") | not)] +
                [{type: "Ready", status: "True", lastTransitionTime: .metadata.creationTimestamp}]
        else . end
    end;

# The scheduler: a pod goes on where it was, unless that node is ruled out now or another server is there that the
# pod is to be kept apart from; then it goes to the first node that is free. $others: the workload's other pods.
def keeps_apart: any(.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[]?;
    .topologyKey == "kubernetes.io/hostname");
def suits($pod): . as $node | ($pod.spec.nodeSelector // {}) | to_entries | all(.[]; . as $wanted |
    $node.metadata.labels[$wanted.key] == $wanted.value);
def placed($others; $objects): . as $pod |
    [$objects[] | select(.kind == "Node" and suits($pod))] as $nodes |
    [if keeps_apart then $others[].spec.nodeName else empty end] as $taken |
    if .spec.nodeName == null or any($nodes[]; .metadata.name == $pod.spec.nodeName) and
        ($pod.spec.nodeName | IN($taken[]) | not) then .
    else .spec.nodeName = (first($nodes[] | select(.spec.unschedulable | not).metadata.name | select(IN($taken[]) | not)) //
        ("no node is left for \($pod.metadata.name)\n" | halt_error))
    end;

# A StatefulSet waits for a pod that is not ready, even to replace it, unless it takes all at once.
def is_waited_for($workload): $workload.kind == "StatefulSet" and $workload.spec.podManagementPolicy != "Parallel" and
    any(.status.conditions[]?; .type == "Ready" and .status == "False");

. as $after | $before[0] as $earlier |
[to_entries[] | select(.key | IN($deleted[])).value] as $gone |
[$after[] | select(.spec.template? and (.kind != "Job")) | . as $new | first($earlier[] | select(same($new))) // $new |
    select(.spec.template != $new.spec.template) | $new] as $rolled |
[$after[] | select(.spec.replicas? != null) | . as $new | first($earlier[] | select(same($new))) // $new |
    select(.spec.replicas > $new.spec.replicas) | $new] as $shrunk |
# The ReplicaSet of a Deployment follows its template.
[.[] | if .kind == "ReplicaSet" then owner as $reference | . as $set |
        (first($rolled[] | select(owned_by(.; $reference))) // null) as $deployment |
        if $deployment then .spec.template = $deployment.spec.template else . end
    else . end] | . as $objects |
reduce range(length) as $at ($objects;
    .[$at] as $object |
    if $object.kind != "Pod" then .
    else
        ($object | workload($objects)) as $workload |
        ($deleted | index($at) != null) as $is_deleted |
        if $workload and ($is_deleted or any($rolled[]; same($workload)) and ($object | is_waited_for($workload) | not)) then
            [to_entries[] | select(.key != $at).value | select(.kind == "Pod") |
                select(workload($objects) as $its | $its != null and ($its | same($workload)))] as $others |
            .[$at] |= (replaced($workload; $objects) | placed($others; $objects))
        else . end
    end) |
# What is deleted is gone, but for the pods that a workload makes anew; and so are those that are too many.
. as $objects | [to_entries[] | select((.value | .kind == "Pod" and workload($objects) != null) or
    (.key | IN($deleted[]) | not)).value] |
reduce $shrunk[] as $workload (.;
    . as $objects | ([.[] | select(.kind == "Pod" and (workload($objects) as $mine | $mine != null and ($mine | same($workload))))] |
        sort_by(.metadata.name) | .[$workload.spec.replicas:]) as $surplus |
    [.[] | . as $object | select(any($surplus[]; . as $pod | $object | same($pod)) | not)])
