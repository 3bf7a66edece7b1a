/**
 * Short names for the API's shapes. The shapes themselves are generated from the API's models (schema.gen.ts).
 * Times are ISO 8601 strings; memory is in bytes, CPU in cores.
 */
import type { components } from './schema.gen'

type Schemas = components['schemas']

export type Level = Schemas['Status']['level']
export type Severity = Schemas['Problem']['severity']
export type Status = Schemas['Status']
export type Gap = Schemas['Gap']
/** What could not be read, also where the reason is an error's code and the kind a tool. */
export type ReportGap = Schemas['ReportGap']
export type ErrorBody = Schemas['ErrorBody']
export type Me = Schemas['Me']

/** A reference to an object. Cluster-scoped ones have an empty or no namespace. */
export interface ResourceRef {
  kind: string
  name: string
  namespace?: string | null
}

export type Column = Schemas['Column']
export type ColumnType = Column['type']
export type Kind = Schemas['Kind']
export type Kinds = Schemas['Kinds']

export type Cluster = Schemas['Cluster']
export type Clusters = Schemas['Clusters']
export type AddedCluster = Schemas['AddedCluster']
export type Upload = Schemas['Upload']
export type ClusterCheck = Schemas['CheckReport']
export type ClusterSource =
  | { type: 'kubeconfig'; kubeconfig: string }
  | Schemas['TokenSource']
  | Schemas['EksSource']
  | Schemas['RecordedSource']

export type Problem = Schemas['Problem']
export type Problems = Schemas['Problems']
export type Overview = Schemas['Overview']
export type Capacity = Schemas['Capacity']

export type Row = Schemas['Row']
export type Rows = Schemas['Rows']
export type Group = Schemas['Group']
export type QueryChip = Schemas['Chip']

export type Detail = Schemas['Detail']
export type Condition = Schemas['ConditionItem']
export type ResourceEvent = Schemas['EventItem']
export type Events = Schemas['Events']
export type Relation = Schemas['RelatedItem']
export type Related = Schemas['Related']
export type Logs = Schemas['Logs']
export type LogLine = Schemas['LogLine']
export type Evidence = Schemas['Evidence']

export type Investigation = Schemas['Investigation']
export type Investigations = Schemas['Investigations']
export type InvestigationSummary = Schemas['InvestigationSummary']
export type InvestigationStep = Schemas['InvestigationStep']
export type InvestigationSteps = Schemas['InvestigationSteps']
export type InvestigationBlock = Schemas['InvestigationBlock']
export type Hypothesis = Schemas['Hypothesis']
export type NewInvestigation = Schemas['NewInvestigation']
export type NewInvestigationFeedback = Schemas['NewInvestigationFeedback']
export type NewFollowUp = Schemas['NewFollowUp']
export type ReportShare = Schemas['ReportShare']
export type ReportShares = Schemas['ReportShares']
export type CreatedReportShare = Schemas['CreatedReportShare']
export type InvestigationTemplates = Schemas['InvestigationTemplates']
export type StepFrame = Schemas['StepFrame']

export type Action = Schemas['ActionInfo']
export type Actions = Schemas['Actions']
export type Change = Schemas['Change']
export type ChangeSummary = Schemas['ChangeSummary']
export type Changes = Schemas['Changes']
export type ChangeStatus = ChangeSummary['status']
export type ChangeCheck = Schemas['Check']
export type ChangeMethod = Schemas['Requirement']['method']
export type Requirement = Schemas['Requirement']
export type Blast = Schemas['Blast']
export type NewChange = Schemas['NewChange']
export type Playbook = Schemas['PlaybookInfo']
export type Playbooks = Schemas['Playbooks']
export type Run = Schemas['Run']
export type Runs = Schemas['Runs']
export type Schedule = Schemas['Schedule']
export type Schedules = Schemas['Schedules']
export type NewSchedule = Schemas['NewSchedule']
export type Policies = Schemas['Policies']
export type Policy = Schemas['PolicyIn']
export type PutPolicies = Schemas['PutPolicies']
export type Autonomy = Schemas['Autonomy']
export type AutonomyScope = Schemas['ScopeIn']
export type PutAutonomy = Schemas['PutAutonomy']
export type Standing = Schemas['Standing']
export type NewStanding = Schemas['NewStanding']
export type TimeWindow = Schemas['WindowIn']
export type ChangeNotice = Schemas['Notice']
export type ChangeNotices = Schemas['Notices']
export type Audit = Schemas['Audit']
export type AuditEvent = Schemas['AuditEvent']
export type ChainVerification = Schemas['Verification']
export type User = Schemas['User']
export type Users = Schemas['Users']
export type CreatedUser = Schemas['CreatedUser']
export type Role = Me['role']

export type Conversation = Schemas['Conversation']
export type Conversations = Schemas['Conversations']
export type ConversationDetail = Schemas['ConversationDetail']
export type TableBlock = Schemas['TableBlock']
export type ChartBlock = Schemas['ChartBlock']
export type ChartSeries = Schemas['ChartSeries']

export type Block =
  | Schemas['TextBlock']
  | TableBlock
  | ChartBlock
  | Schemas['EvidenceBlock']
  | Schemas['ProblemBlock']
  | Schemas['ActionBlock']
  | InvestigationBlock
  | Schemas['ChoicesBlock']
  | Schemas['SuggestionsBlock']

export type Frame =
  | Schemas['StatusFrame']
  | Schemas['ToolFrame']
  | Schemas['BlockFrame']
  | Schemas['DeltaFrame']
  | Schemas['EndFrame']
  | Schemas['ErrorFrame']

/** What the WebSocket sends beside frames. */
export type ServerMessage = Frame | { t: 'pong' } | { t: 'accepted'; conversation: string; turn: string }

export interface ChatContext {
  page?: string
  kind?: string
  namespace?: string
  name?: string
  investigation?: string
}

export interface ChatRequest {
  message: string
  cluster: string
  conversation?: string
  context?: ChatContext
}

export type ModelProvider = Schemas['ModelProvider']
export type ModelProviders = Schemas['ModelProviders']
export type NewModelProvider = Schemas['NewModelProvider']
export type TestedModelProvider = Schemas['TestedModelProvider']
export type ModelsUsage = Schemas['ModelsUsage']
export type UsageCounter = Schemas['UsageCounter']
export type Budget = Schemas['Budget']
export type NewBudget = Schemas['NewBudget']
