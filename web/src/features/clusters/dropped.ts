import type { ArchiveFile } from './ustar'

/** What a person chose: one archive to send as it is, or the files of a folder to pack. */
export type Chosen = { archive: File } | { folder: string; files: ArchiveFile[] }

/** A recording has a few thousand files; far more means that something else was dropped, e.g. a home folder. */
export const MAX_FILES = 50_000

/** Reads a drop. Entries must be taken from the event at once: the browser empties it after the handler returns. */
export async function readDrop(transfer: DataTransfer): Promise<Chosen> {
  const entries = [...transfer.items]
    .map((item) => (item.kind === 'file' ? item.webkitGetAsEntry() : null))
    .filter((entry) => entry !== null)
  const [first] = entries
  if (entries.length === 1 && first?.isFile) {
    return { archive: await fileOf(first as FileSystemFileEntry) }
  }
  const files: ArchiveFile[] = []
  for (const entry of entries) {
    await collect(entry, '', files)
  }
  return { folder: first?.name ?? 'folder', files }
}

/** Files of an `<input webkitdirectory>`. */
export function readFolderInput(list: FileList): Chosen {
  const files = [...list].map((file) => archiveFile(file, file.webkitRelativePath || file.name))
  return { folder: files[0]?.path.split('/')[0] ?? 'folder', files }
}

async function collect(entry: FileSystemEntry, parent: string, into: ArchiveFile[]): Promise<void> {
  const path = parent ? `${parent}/${entry.name}` : entry.name
  if (entry.isFile) {
    into.push(archiveFile(await fileOf(entry as FileSystemFileEntry), path))
  } else if (entry.isDirectory) {
    for (const child of await childrenOf(entry as FileSystemDirectoryEntry)) {
      await collect(child, path, into)
    }
  }
  if (into.length > MAX_FILES) {
    throw new Error(`The folder holds more than ${MAX_FILES} files; drop the folder of one recording.`)
  }
}

function archiveFile(file: File, path: string): ArchiveFile {
  return { path, size: file.size, modifiedAt: file.lastModified, stream: () => file.stream() }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject))
}

/** A directory reader gives its children in batches of about 100 and an empty batch at the end. */
async function childrenOf(entry: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = entry.createReader()
  const children: FileSystemEntry[] = []
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    )
    if (batch.length === 0) {
      return children
    }
    children.push(...batch)
  }
}
