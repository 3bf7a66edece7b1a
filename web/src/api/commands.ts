import { call, path } from './client'
import { ApiError } from './errors'
import type {
  AddedCluster,
  Budget,
  ChatRequest,
  Cluster,
  ClusterCheck,
  ClusterSource,
  CreatedReportShare,
  Frame,
  Investigation,
  InvestigationSteps,
  InvestigationSummary,
  ModelProvider,
  NewBudget,
  NewFollowUp,
  NewInvestigation,
  NewInvestigationFeedback,
  NewModelProvider,
  TestedModelProvider,
  Upload,
} from './types'

export const addCluster = (name: string, source: ClusterSource) =>
  call<AddedCluster>('POST', '/clusters', { body: { name, source } })

export const renameCluster = (id: string, name: string) =>
  call<Cluster>('PATCH', path('clusters', id), { body: { name } })

/** Removing needs the cluster's own name as confirmation, so that a slip of the mouse removes nothing. */
export const removeCluster = (id: string, confirm: string) =>
  call<null>('DELETE', path('clusters', id), { query: { confirm } })

export const checkCluster = (id: string) => call<ClusterCheck>('POST', path('clusters', id, 'check'))

export const refreshCluster = (id: string) => call<Cluster>('POST', path('clusters', id, 'refresh'))

export const askOverHttp = (request: ChatRequest) =>
  call<{ conversation: string; turn: string }>('POST', '/chat', { body: request })

export const framesAfter = (conversation: string, after: number) =>
  call<{ items: Frame[]; done: boolean }>('GET', path('conversations', conversation, 'frames'), {
    query: { after },
  })

export const removeConversation = (id: string) => call<null>('DELETE', path('conversations', id))

/** Starts an investigation and returns at once: its page shows the steps as they come. */
export const startInvestigation = (asked: Partial<NewInvestigation>) =>
  call<{ id: string; status: string }>('POST', '/investigations', { body: asked })

export const stepsAfter = (id: string, after: number) =>
  call<InvestigationSteps>('GET', path('investigations', id, 'steps'), { query: { after } })

export const cancelInvestigation = (id: string) =>
  call<InvestigationSummary>('POST', path('investigations', id, 'cancel'))

export const archiveInvestigation = (id: string) =>
  call<InvestigationSummary>('POST', path('investigations', id, 'archive'))

export const restoreInvestigation = (id: string) =>
  call<InvestigationSummary>('POST', path('investigations', id, 'restore'))

export const removeInvestigation = (id: string) => call<null>('DELETE', path('investigations', id))

export const judgeInvestigation = (id: string, said: Partial<NewInvestigationFeedback>) =>
  call<Investigation>('POST', path('investigations', id, 'feedback'), { body: said })

export const checkInvestigation = (id: string) =>
  call<Investigation>('POST', path('investigations', id, 'check'))

export const planFollowUp = (id: string, wanted: Partial<NewFollowUp>) =>
  call<Investigation>('POST', path('investigations', id, 'follow-up'), { body: wanted })

export const cancelFollowUp = (id: string) =>
  call<Investigation>('DELETE', path('investigations', id, 'follow-up'))

export const createShare = (id: string, lasts: string) =>
  call<CreatedReportShare>('POST', path('investigations', id, 'share'), { body: { expires_in: lasts } })

export const revokeShare = (id: string, share: string) =>
  call<null>('DELETE', path('investigations', id, 'share', share))

/**
 * Sends a file to the presigned address that adding a recorded cluster returned.
 *
 * XMLHttpRequest because fetch cannot report upload progress.
 */
export function putUpload(upload: Upload, body: Blob, onProgress: (fraction: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open(upload.method, upload.url)
    for (const [name, value] of Object.entries(upload.headers)) {
      request.setRequestHeader(name, value)
    }
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) {
        onProgress(event.loaded / event.total)
      }
    }
    request.onload = () =>
      request.status >= 200 && request.status < 300
        ? resolve()
        : reject(uploadError(request.status, `The store refused the upload (HTTP ${request.status}).`))
    request.onerror = () => reject(uploadError(0, 'The upload did not reach the store.'))
    request.send(body)
  })
}

function uploadError(status: number, message: string): ApiError {
  return new ApiError(status, {
    code: 'upload_failed',
    message,
    remedy: 'Try again; the upload address is valid for a few minutes only. Archives are limited in size.',
  })
}

export const addProvider = (wanted: Partial<NewModelProvider>) =>
  call<ModelProvider>('POST', '/llm/providers', { body: wanted })

export const changeProvider = (
  id: string,
  wanted: { model?: string; base_url?: string; enabled?: boolean; position?: number },
) => call<ModelProvider>('PATCH', path('llm', 'providers', id), { body: wanted })

/** Keys go in and never come out: no answer of the API holds one. */
export const setProviderKey = (id: string, key: string) =>
  call<ModelProvider>('PUT', path('llm', 'providers', id, 'key'), { body: { key } })

export const removeProvider = (id: string) => call<null>('DELETE', path('llm', 'providers', id))

export const testProvider = (id: string) =>
  call<TestedModelProvider>('POST', path('llm', 'providers', id, 'test'))

export const setBudgets = (items: NewBudget[]) =>
  call<{ items: Budget[] }>('PUT', '/llm/budgets', { body: { items } })
