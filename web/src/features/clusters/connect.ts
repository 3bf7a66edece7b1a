import { addCluster, checkCluster, putUpload, refreshCluster } from '../../api/commands'
import { ApiError } from '../../api/errors'
import type { AddedCluster, ClusterCheck, ClusterSource } from '../../api/types'
import type { Chosen } from './dropped'
import { packFolder } from './ustar'

export type Step = 'adding' | 'packing' | 'uploading' | 'checking' | 'reading'

export const STEP_WORDS: Record<Step, string> = {
  adding: 'Adding the cluster',
  packing: 'Packing the folder',
  uploading: 'Uploading',
  checking: 'Checking the connection',
  reading: 'Reading the cluster',
}

export interface Progress {
  step: Step
  /** 0 to 1 where it is known. */
  fraction: number | null
}

export interface Connected {
  cluster: AddedCluster
  check: ClusterCheck
}

/** Adds a live cluster and checks the connection. */
export async function connectLive(
  name: string,
  source: ClusterSource,
  onProgress: (progress: Progress) => void,
): Promise<Connected> {
  onProgress({ step: 'adding', fraction: null })
  const cluster = await addCluster(name, source)
  return finish(cluster, onProgress)
}

/** Adds a recorded cluster: packs a folder if one was chosen, uploads it to the presigned address, and checks it. */
export async function connectRecorded(
  name: string,
  chosen: Chosen,
  onProgress: (progress: Progress) => void,
): Promise<Connected> {
  const body = 'archive' in chosen ? chosen.archive : await pack(chosen, onProgress)
  onProgress({ step: 'adding', fraction: null })
  const cluster = await addCluster(name, { type: 'recorded' })
  if (!cluster.upload) {
    throw new ApiError(0, {
      code: 'no_upload_address',
      message: 'The server gave no address to upload the recording to.',
      remedy: 'Remove the cluster and add it again; if it happens again, report it.',
    })
  }
  onProgress({ step: 'uploading', fraction: 0 })
  await putUpload(cluster.upload, body, (fraction) => onProgress({ step: 'uploading', fraction }))
  return finish(cluster, onProgress)
}

async function pack(
  chosen: Extract<Chosen, { folder: string }>,
  onProgress: (progress: Progress) => void,
): Promise<Blob> {
  if (chosen.files.length === 0) {
    throw new ApiError(0, {
      code: 'empty_folder',
      message: `The folder ${chosen.folder} holds no files.`,
      remedy: 'Drop the folder that `kubectl cluster-info dump --output-directory` wrote.',
    })
  }
  onProgress({ step: 'packing', fraction: 0 })
  return packFolder(chosen.files, (fraction) => onProgress({ step: 'packing', fraction }))
}

async function finish(cluster: AddedCluster, onProgress: (progress: Progress) => void): Promise<Connected> {
  onProgress({ step: 'checking', fraction: null })
  const check = await checkCluster(cluster.id)
  if (check.reachable) {
    onProgress({ step: 'reading', fraction: null })
    await refreshCluster(cluster.id)
  }
  return { cluster, check }
}

/** A name for a recording from the file or folder that was chosen: `incidents.tar.xz` -> `incidents`. */
export function nameOf(chosen: Chosen): string {
  const source = 'archive' in chosen ? chosen.archive.name : chosen.folder
  return source.replace(/\.(tar\.(gz|xz|bz2|zst)|tgz|txz|tar|zip|json|ya?ml)$/i, '')
}
