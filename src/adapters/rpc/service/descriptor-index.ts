import { type DescFile, toBinary } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** What can be asked about compiled proto files: which one defines a name, and what it imports. */
export class DescriptorIndex {
  readonly #files = new Map<string, DescFile>();
  readonly #bySymbol = new Map<string, DescFile>();
  /** By the extended message's full name, then by number. */
  readonly #extensions = new Map<string, Map<number, DescFile>>();
  readonly #services: string[] = [];

  /** @param files those that define services; what they import is found through them */
  constructor(files: readonly DescFile[]) {
    for (const file of files) {
      this.#add(file);
      for (const service of file.services) this.#services.push(service.typeName);
    }
  }

  get services(): readonly string[] {
    return this.#services;
  }

  fileByName(path: string): DescFile | undefined {
    return this.#files.get(path);
  }

  fileBySymbol(fullName: string): DescFile | undefined {
    return this.#bySymbol.get(fullName);
  }

  fileByExtension(extendedType: string, number: number): DescFile | undefined {
    return this.#extensions.get(extendedType)?.get(number);
  }

  /** Undefined where no such message is known. */
  extensionNumbers(extendedType: string): number[] | undefined {
    const numbers = this.#extensions.get(extendedType);
    if (numbers !== undefined) return [...numbers.keys()];
    return this.#bySymbol.has(extendedType) ? [] : undefined;
  }

  #add(file: DescFile): void {
    const path = `${file.name}.proto`;
    if (this.#files.has(path)) return;
    this.#files.set(path, file);
    for (const imported of file.dependencies) this.#add(imported);
    for (const symbol of symbolsOf(file)) this.#bySymbol.set(symbol, file);
    for (const type of nestedTypes(file)) {
      if (type.kind !== "extension") continue;
      const numbers = this.#extensions.get(type.extendee.typeName) ?? new Map<number, DescFile>();
      this.#extensions.set(type.extendee.typeName, numbers.set(type.number, file));
    }
  }
}

/** The file and all that it imports, itself first, each as a serialized FileDescriptorProto. */
export function serializedWithImports(file: DescFile): Uint8Array[] {
  const seen = new Set<DescFile>();
  const visit = (next: DescFile) => {
    if (seen.has(next)) return;
    seen.add(next);
    next.dependencies.forEach(visit);
  };
  visit(file);
  return Array.from(seen, ({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
}

function* symbolsOf(file: DescFile): Iterable<string> {
  for (const type of nestedTypes(file)) {
    yield type.typeName;
    switch (type.kind) {
      case "message":
        for (const member of type.members) yield `${type.typeName}.${member.name}`;
        for (const oneof of type.oneofs) yield `${type.typeName}.${oneof.name}`;
        break;
      case "enum":
        // The values of an enum are named beside it, not within it.
        for (const value of type.values) yield type.typeName.slice(0, -type.name.length) + value.name;
        break;
      case "service":
        for (const method of type.methods) yield `${type.typeName}.${method.name}`;
        break;
      case "extension":
        break;
    }
  }
}
