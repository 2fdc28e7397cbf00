{{- define "entitlement-sidecar.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "entitlement-sidecar.selector" -}}
app.kubernetes.io/name: entitlement-sidecar
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "entitlement-sidecar.cacheSelector" -}}
app.kubernetes.io/name: persistent-cache-service
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "entitlement-sidecar.image" -}}
{{ .root.Values.image.repository }}:{{ .tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "entitlement-sidecar.secretName" -}}
{{ .Values.apiKeysSecretName | default (printf "%s-keys" .Release.Name) }}
{{- end }}

{{/* Nobody needs to be root, and nothing writes but to what is mounted. */}}
{{- define "entitlement-sidecar.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 1000
capabilities: { drop: [ALL] }
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{/* Where Redis is: the same for both processes. */}}
{{- define "entitlement-sidecar.redisEnv" -}}
{{- with .Values.persistentCache.redis }}
- { name: REDIS_ENVIRONMENT_PREFIX, value: {{ .environmentPrefix | quote }} }
- { name: REDIS_HOST, value: {{ .host | quote }} }
- { name: REDIS_PORT, value: {{ .port | toString | quote }} }
- { name: REDIS_DB, value: {{ .db | toString | quote }} }
- { name: REDIS_TLS, value: {{ .tls | toString | quote }} }
{{- if .secretName }}
- name: REDIS_USERNAME
  valueFrom: { secretKeyRef: { name: {{ .secretName }}, key: REDIS_USERNAME, optional: true } }
- name: REDIS_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ .secretName }}, key: REDIS_PASSWORD, optional: true } }
{{- else }}
- { name: REDIS_USERNAME, value: {{ .username | quote }} }
{{- if .password }}
- name: REDIS_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ $.Release.Name }}-redis, key: REDIS_PASSWORD } }
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "entitlement-sidecar.apiKeyEnv" -}}
- name: SERVER_API_KEY
  valueFrom: { secretKeyRef: { name: {{ include "entitlement-sidecar.secretName" . }}, key: SERVER_API_KEY } }
{{- end }}

{{/* The sidecar's container, in a pod of its own or beside an application. */}}
{{- define "entitlement-sidecar.container" -}}
name: entitlement-sidecar
image: {{ include "entitlement-sidecar.image" (dict "root" . "tag" .Values.sidecar.imageTag) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [serve]
ports:
  - { name: grpc, containerPort: {{ .Values.sidecar.ports.grpc }} }
  {{- if .Values.sidecar.tlsSecretName }}
  - { name: grpc-tls, containerPort: 8443 }
  {{- end }}
  - { name: metrics, containerPort: {{ .Values.sidecar.ports.metrics }} }
env:
  - { name: GRPC_PORT, value: {{ .Values.sidecar.ports.grpc | quote }} }
  - { name: METRICS_PORT, value: {{ .Values.sidecar.ports.metrics | quote }} }
  - { name: START_MESSAGE, value: json }
  {{- if .Values.sidecar.catalog }}
  - { name: CATALOG_FILE, value: /etc/entitlement-sidecar/catalog.yaml }
  {{- else }}
  {{- include "entitlement-sidecar.apiKeyEnv" . | nindent 2 }}
  {{- if or .Values.sidecar.useRedis .Values.persistentCache.enabled }}
  {{- include "entitlement-sidecar.redisEnv" . | nindent 2 }}
  {{- end }}
  {{- end }}
  {{- if .Values.sidecar.authTokensSecretName }}
  - { name: AUTH_TOKENS_FILE, value: /etc/entitlement-sidecar-tokens/tokens.yaml }
  {{- end }}
  {{- if .Values.sidecar.tlsSecretName }}
  - { name: PORT, value: "8443" }
  - { name: TLS_CERT_FILE, value: /etc/entitlement-sidecar-tls/tls.crt }
  - { name: TLS_KEY_FILE, value: /etc/entitlement-sidecar-tls/tls.key }
  {{- end }}
  {{- with .Values.sidecar.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
startupProbe:
  httpGet: { path: /readyz, port: metrics }
  periodSeconds: 1
  failureThreshold: 60
readinessProbe:
  httpGet: { path: /readyz, port: metrics }
  periodSeconds: 5
livenessProbe:
  httpGet: { path: /livez, port: metrics }
  periodSeconds: 10
  timeoutSeconds: 3
resources:
  {{- toYaml .Values.sidecar.deploymentResources | nindent 2 }}
securityContext:
  {{- include "entitlement-sidecar.containerSecurity" . | nindent 2 }}
volumeMounts:
  - { name: sidecar-tmp, mountPath: /tmp }
  {{- if .Values.sidecar.catalog }}
  - { name: sidecar-catalog, mountPath: /etc/entitlement-sidecar, readOnly: true }
  {{- end }}
  {{- if .Values.sidecar.authTokensSecretName }}
  - { name: sidecar-tokens, mountPath: /etc/entitlement-sidecar-tokens, readOnly: true }
  {{- end }}
  {{- if .Values.sidecar.tlsSecretName }}
  - { name: sidecar-tls, mountPath: /etc/entitlement-sidecar-tls, readOnly: true }
  {{- end }}
  {{- if .Values.sidecar.data.enabled }}
  - { name: sidecar-data, mountPath: /data }
  {{- end }}
{{- end }}

{{- define "entitlement-sidecar.volumes" -}}
- name: sidecar-tmp
  emptyDir: { sizeLimit: 64Mi }
{{- if .Values.sidecar.catalog }}
- name: sidecar-catalog
  configMap: { name: {{ .Release.Name }}-catalog }
{{- end }}
{{- with .Values.sidecar.authTokensSecretName }}
- name: sidecar-tokens
  secret: { secretName: {{ . }} }
{{- end }}
{{- with .Values.sidecar.tlsSecretName }}
- name: sidecar-tls
  secret: { secretName: {{ . }} }
{{- end }}
{{- if .Values.sidecar.data.enabled }}
- name: sidecar-data
  {{- if .Values.sidecar.data.existingClaim }}
  persistentVolumeClaim: { claimName: {{ .Values.sidecar.data.existingClaim }} }
  {{- else }}
  emptyDir: { sizeLimit: {{ .Values.sidecar.data.sizeLimit }} }
  {{- end }}
{{- end }}
{{- end }}

{{/* Of a pod: ports from GRPC_PORT on may be listened on without a capability. */}}
{{- define "entitlement-sidecar.podSecurity" -}}
fsGroup: 1000
{{- if lt (int .Values.sidecar.ports.grpc) 1024 }}
sysctls:
  - { name: net.ipv4.ip_unprivileged_port_start, value: "0" }
{{- end }}
{{- end }}

{{- define "entitlement-sidecar.hpa" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .name }}
  labels:
    {{- include "entitlement-sidecar.labels" .root | nindent 4 }}
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: {{ .name }} }
  minReplicas: {{ .hpa.minReplicas }}
  maxReplicas: {{ .hpa.maxReplicas }}
  metrics:
    {{- with .hpa.targetCPUUtilizationPercentage }}
    - type: Resource
      resource: { name: cpu, target: { type: Utilization, averageUtilization: {{ . }} } }
    {{- end }}
    {{- with .hpa.targetMemoryUtilizationPercentage }}
    - type: Resource
      resource: { name: memory, target: { type: Utilization, averageUtilization: {{ . }} } }
    {{- end }}
{{- end }}
