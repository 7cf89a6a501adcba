import { Enums, Models, Serialize, Spec, Types, Validation } from '@cyclonedx/cyclonedx-library';
import type { Part } from './parts.ts';

export interface Product {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
}

/** What a release consists of, in CycloneDX 1.6 as JSON, checked against its schema. The same parts give the same text: no serial number, and the time of the source. */
export async function billOfMaterials(product: Product, parts: readonly Part[], date: Date): Promise<string> {
  const purl = `pkg:npm/${product.name}@${product.version}`;
  const subject = component({ kind: 'application', purl, ...product });
  subject.description = product.description;
  const bom = new Models.Bom({ metadata: new Models.Metadata({ component: subject, timestamp: date }) });
  for (const part of parts) {
    const added = component(part);
    bom.components.add(added);
    subject.dependencies.add(added.bomRef);
  }
  const normalizers = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  const text = new Serialize.JsonSerializer(normalizers).serialize(bom, { sortLists: true, space: 2 });
  const mistakes = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text);
  if (mistakes !== null) throw new Error(`the bill of materials is not CycloneDX 1.6: ${JSON.stringify(mistakes)}`);
  return `${text}\n`;
}

const kinds = {
  application: Enums.ComponentType.Application,
  library: Enums.ComponentType.Library,
  platform: Enums.ComponentType.Platform,
};

type Named = Omit<Part, 'kind'> & { readonly kind: keyof typeof kinds };

function component({ kind, name, version, license, purl, cpe, parts = [] }: Named): Models.Component {
  const made = new Models.Component(kinds[kind], name, { version, purl, bomRef: purl });
  if (license !== undefined) made.licenses.add(licenseOf(license));
  if (Types.isCPE(cpe)) made.cpe = cpe;
  for (const part of parts) made.components.add(component(part));
  return made;
}

const licenseOf = (text: string): Models.License =>
  text.includes(' ') ? new Models.LicenseExpression(text) : new Models.SpdxLicense(text);
