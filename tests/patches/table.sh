# What is tried of each page of docs/findings, and on which scenario. Every code has `mends` or `unpatched`, every
# ```yaml block of a Mitigation is in some row. Sourced by run.sh.
#   mends PAGE SCENARIO [STEP...]        the page's own finding goes, nothing else comes; steps: without any, all blocks
#   helps PAGE CODE SCENARIO STEP...     what the page has against something else too: that finding goes
#   harmless PAGE SCENARIO STEP...       what no finding is about: it can be applied, and nothing comes
#   PRICE=CODE before a row              that finding comes instead, and the page says so
#   unpatched PAGE SENTENCE              no change of an object ends it; the sentence with which the page says so
# A step is the file of a block (FILE@NAME: for the workload NAME), or the beginning of a command of a ```sh block.
# shellcheck shell=bash


mends EncryptionKeyMissing EncryptionKeyMissing-no-variable
mends EncryptionKeyMissing EncryptionKeyMissing-empty-variable
mends EncryptionKeyMalformed EncryptionKeyMalformed-literal
mends EncryptionKeyConflict EncryptionKeyConflict-both
mends EncryptionKeyMismatch EncryptionKeyMismatch-sources key.yaml@proget-a key.yaml@proget-b
mends EncryptionKeyMismatch EncryptionKeyMismatch-secrets-differ key.yaml@proget-a key.yaml@proget-b
mends EncryptionKeyMismatch EncryptionKeyMismatch-literals-in-rollout
mends EncryptionKeyPublic EncryptionKeyPublic-literal
mends EncryptionKeyExposed EncryptionKeyExposed-literal
mends EncryptionKeyExposed EncryptionKeyExposed-pods
unpatched EncryptionKeyDrift "No patch of the workload ends it"

helps CoScheduled SpreadNotEnforced SpreadNotEnforced-nothing spread.yaml
mends CoScheduled CoScheduled-one-node 'kubectl -n proget delete pod proget-1'
mends SpreadNotEnforced SpreadNotEnforced-nothing
mends SpreadNotEnforced SpreadNotEnforced-preferred
mends SpreadNotEnforced SpreadNotEnforced-other-labels
mends SpreadNotEnforced SpreadNotEnforced-schedule-anyway
mends TopologyUnknown TopologyUnknown-no-label
mends TopologyUnknown TopologyUnknown-manifests
mends RolloutBlocked RolloutBlocked-default-steps
mends RolloutBlocked RolloutBlocked-manifests
mends RolloutBlocked RolloutBlocked-cordoned
mends NoSpareNode NoSpareNode-tainted

unpatched ServerCountChanged "No patch takes it back"
helps ServerCountChanged ServerCountWrong ServerCountWrong-too-many servers.yaml
helps ServerCountChanged ServerCountWrong ServerCountWrong-manifests 'kubectl -n proget scale statefulset/proget'
mends ServerCountWrong ServerCountWrong-too-many
mends ServerCountWrong ServerCountWrong-manifests 'kubectl -n proget scale statefulset/proget'
mends AutoscalerTargets AutoscalerTargets-horizontal fixed.yaml
mends AutoscalerTargets AutoscalerTargets-horizontal 'kubectl -n proget delete hpa proget'
mends AutoscalerTargets AutoscalerTargets-vertical off.yaml
mends AutoscalerTargets AutoscalerTargets-scaled-object 'kubectl -n proget annotate scaledobject proget'
mends ServerPending ServerPending-image 'kubectl -n proget set image' 'kubectl -n proget delete pod proget-1'
mends ServerMayStillRun ServerMayStillRun-remembered 'kubectl taint nodes node-b'
mends ServerMayStillRun ServerMayStillRun-terminating 'kubectl taint nodes node-b'
mends ServerGone ServerGone-remembered
mends LicenceServerLimit LicenceServerLimit-live
mends LicenceServerLimit LicenceServerLimit-intended

unpatched Evicted "No patch undoes an eviction"
helps Evicted QosNotGuaranteed QosNotGuaranteed-no-limits resources.yaml
helps Evicted PriorityClassMissing PriorityClassMissing-pods priority.yaml
helps Evicted DisruptionBudgetMissing DisruptionBudgetMissing-none 'kubectl -n proget create poddisruptionbudget proget'
unpatched EvictionsFrequent "No patch undoes evictions"
mends PriorityClassMissing PriorityClassMissing-template
mends PriorityClassMissing PriorityClassMissing-pods
mends PriorityClassNotFound PriorityClassNotFound-template
mends PriorityClassLow PriorityClassLow-beside 'kubectl create priorityclass proget-first' priority.yaml
mends PriorityClassLow PriorityClassLow-two-classes 'kubectl create priorityclass proget-first' priority.yaml
mends PriorityClassLow PriorityClassLow-negative 'kubectl create priorityclass proget-first' priority.yaml
mends QosNotGuaranteed QosNotGuaranteed-no-limits
PRICE=SidecarBreaksQos mends QosNotGuaranteed QosNotGuaranteed-both
mends SidecarBreaksQos SidecarBreaksQos-no-resources
mends SidecarBreaksQos SidecarBreaksQos-pods
mends DisruptionBudgetMissing DisruptionBudgetMissing-none
mends DisruptionBudgetMissing DisruptionBudgetMissing-manifests
mends DisruptionBudgetBlocking DisruptionBudgetBlocking-zero one.yaml
mends DisruptionBudgetBlocking DisruptionBudgetBlocking-all-have-to-stay one.yaml
mends DisruptionBudgetBlocking DisruptionBudgetBlocking-bare-pods number.yaml
mends DisruptionBudgetBlocking DisruptionBudgetBlocking-two-budgets 'kubectl -n proget delete poddisruptionbudget proget-old'
unpatched NodePressure "No patch ends it"
helps NodePressure QosNotGuaranteed QosNotGuaranteed-no-limits last.yaml
helps NodePressure PriorityClassMissing PriorityClassMissing-template last.yaml
unpatched NodeNotReady "No patch makes a node ready"
mends NodeDraining NodeDraining-cordoned 'kubectl uncordon node-a'
helps NodeDraining MoveInvited MoveInvited-safe-to-evict stay.yaml
unpatched NodeCapacityLow "No patch of the server makes room for it"
harmless NodeCapacityLow NodeCapacityLow-requests tolerations.yaml 'kubectl taint node node-a'
mends MoveInvited MoveInvited-template
mends MoveInvited MoveInvited-any-value
mends MoveInvited MoveInvited-safe-to-evict
mends MoveInvited MoveInvited-any-value 'kubectl -n proget annotate pods'

mends HealthProbeRestarts HealthProbeRestarts-liveness
mends HealthProbeRestarts HealthProbeRestarts-startup
mends HealthProbeRestarts HealthProbeRestarts-curl
unpatched HealthError "The finding ends with the next good report of the server; no patch does it by itself."
helps HealthError DatabaseEmbedded DatabaseEmbedded-pods database.yaml
unpatched HealthUnreachable "The finding ends when the sidecar gets an answer; a patch can only tell it where to ask."
harmless HealthUnreachable HealthUnreachable-refused port.yaml
unpatched ReplicationError "replication tries again by itself, and the finding ends with the server's next good report"
harmless ReplicationError ReplicationError-client replication.yaml
mends ContainerRestarting ContainerRestarting-crash-loop memory.yaml 'kubectl -n proget delete pod proget-0'
mends ContainerRestarting ContainerRestarting-within-an-hour

unpatched ReactivationRequired "No patch activates a licence"
harmless ReactivationRequired ReactivationRequired-detail 'kubectl label node node-a' nodes.yaml
unpatched ReactivationExpected "No patch activates a licence"
harmless ReactivationExpected ReactivationExpected-new-cpu nodes.yaml
PRICE=ReactivationExpected mends ManualActivationRequired ManualActivationRequired-blocked
PRICE=NoSpareNode mends NodeNotActivated NodeNotActivated-other-cpu 'kubectl label node node-a' affinity.yaml
mends VersionMismatch VersionMismatch-tags image.yaml@proget-b
mends ImageTagMutable ImageTagMutable-latest
mends ImageTagMutable ImageTagMutable-no-tag

mends HeartbeatStale HeartbeatStale-ten-minutes
unpatched HeartbeatMissing "The sidecar tries again by itself, within seconds."
harmless HeartbeatMissing HeartbeatMissing-one ../proget-heartbeats/kustomization.yaml
mends SidecarMissing SidecarMissing-template 'kubectl -n proget label statefulset proget' 'mkdir -p ../proget-servers' \
    ../proget-servers/kustomization.yaml
mends WebStale WebStale-over-a-day window.yaml
harmless WebStale WebStale-over-a-day port.yaml
unpatched MessengerUnreachable "the finding ends with the sidecar's next report"
harmless MessengerUnreachable MessengerUnreachable-closed messenger.yaml

mends DatabaseEmbedded DatabaseEmbedded-manifests
mends DatabaseEmbedded DatabaseEmbedded-pods
mends DatabaseMismatch DatabaseMismatch-literals database.yaml@proget-a database.yaml@proget-b
mends StorageNotShared StorageNotShared-nothing
mends StorageNotShared StorageNotShared-empty-dir
mends StorageNotShared StorageNotShared-disk
mends StorageNotShared StorageNotShared-host-path
mends StorageNotShared StorageNotShared-read-only
mends StorageNotShared StorageNotShared-sub-path-expr

mends ClusterNotDeclared ClusterNotDeclared-implied
mends ClusterNotDeclared ClusterNotDeclared-discovered 'kubectl -n proget label progetcluster proget'
mends ClusterEmpty ClusterEmpty-other-labels
mends ClusterOverlap ClusterOverlap-two 'kubectl -n proget delete progetcluster second'
mends ClusterOverlap ClusterOverlap-two-workloads
