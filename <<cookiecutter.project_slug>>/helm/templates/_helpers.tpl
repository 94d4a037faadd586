{{- define "service.selector" -}}
{{ dict "app.kubernetes.io/name" .Values.name | toJson }}
{{- end }}

{{- define "service.labels" -}}
{{ merge (dict "app.kubernetes.io/name" .Values.name "deploy/service" .Values.name) .Values.labels | toJson }}
{{- end }}

{{- define "service.jobLabels" -}}
{{ merge (dict "app.kubernetes.io/name" (printf "%s-migrate" .Values.name) "deploy/service" .Values.name) .Values.labels | toJson }}
{{- end }}

{{- define "service.config" -}}
{{- $own := dict "DRAIN_SECONDS" .Values.drain_seconds "GRACEFUL_SECONDS" .Values.graceful_seconds "OTEL_SERVICE_NAME" .Values.name "PORT" .Values.port -}}
{{- $config := dict -}}
{{- range $key, $value := merge (deepCopy .Values.settings) $own -}}
{{- $_ := set $config $key (toString $value) -}}
{{- end -}}
{{ toJson $config }}
{{- end }}

{{- define "service.configName" -}}
{{ .Values.config_name | default (printf "%s-%s" .Values.name (include "service.config" . | sha256sum | trunc 10)) }}
{{- end }}

{{- define "service.image" -}}
{{ .Values.repository }}@{{ required "digest is needed: a release is never by tag" .Values.digest }}
{{- end }}

{{/* The hash of the whole spec: a Job's template is immutable. A long name is cut to what a label may have (63). */}}
{{- define "service.jobName" -}}
{{- $suffix := printf "-migrate-%s" (include "service.jobSpec" . | sha256sum | trunc 10) -}}
{{- if .Values.job_name -}}
{{ .Values.job_name }}
{{- else if gt (add (len .Values.name) (len $suffix)) 63 -}}
{{ .Values.name | trunc (int (sub 56 (len $suffix))) | trimSuffix "-" }}-{{ .Values.name | sha256sum | trunc 6 }}{{ $suffix }}
{{- else -}}
{{ .Values.name }}{{ $suffix }}
{{- end }}
{{- end }}

{{- define "service.grace" -}}
{{ add .Values.drain_seconds .Values.graceful_seconds 10 }}
{{- end }}

{{/* Port of /metrics alone; empty without one */}}
{{- define "service.metricsPort" -}}
{{- with int (.Values.settings.METRICS_PORT | default 0) }}{{ . }}{{ end }}
{{- end }}

{{- define "service.podAnnotations" -}}
{{- $port := include "service.metricsPort" . | default (toString .Values.port) -}}
{{- $scrape := dict "prometheus.io/scrape" "true" "prometheus.io/port" $port "prometheus.io/path" "/metrics" -}}
{{ merge (deepCopy .Values.annotations) $scrape | toJson }}
{{- end }}

{{/* What the service's pods and the migration's have in common, below `spec` */}}
{{- define "service.pod" -}}
serviceAccountName: {{ .Values.name }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.priority_class }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.node_selector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{ toJson . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.sidecars }}
# Native sidecars: they start before the service and end after it, and a Job does not wait for them.
initContainers:
{{- range . }}
  - {{ merge (deepCopy .) (dict "restartPolicy" "Always") | toJson }}
{{- end }}
{{- end }}
volumes:
  - name: tmp
    emptyDir: {}
{{- range .Values.volumes }}
  - {{ toJson . }}
{{- end }}
{{- end }}

{{/* What the containers `app` and `migrate` have in common. Settings come last, so that they win over `env_from`. */}}
{{- define "service.container" -}}
image: {{ include "service.image" . | quote }}
imagePullPolicy: IfNotPresent
envFrom:
{{- range .Values.env_from }}
  - {{ toJson . }}
{{- end }}
  - configMapRef:
      name: {{ include "service.configName" . }}
env:
{{- range .Values.secret.keys | sortAlpha }}
  - name: {{ . | quote }}
    valueFrom:
      secretKeyRef:
        name: {{ $.Values.secret.name | quote }}
        key: {{ . | quote }}
{{- end }}
  - name: IMAGE_DIGEST
    value: {{ .Values.digest }}
resources:
  requests:
    cpu: {{ .Values.resources.cpu_request | quote }}
    memory: {{ .Values.resources.memory_request | quote }}
  limits:
{{- with .Values.resources.cpu_limit }}
    cpu: {{ . | quote }}
{{- end }}
    memory: {{ .Values.resources.memory_limit | quote }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop:
      - ALL
volumeMounts:
  - name: tmp
    mountPath: /tmp
{{- range .Values.volume_mounts }}
  - {{ toJson . }}
{{- end }}
{{- end }}
