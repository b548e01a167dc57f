import { applyDecorators, Body, Controller, Get, Header, Param, Patch, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Category } from '../database/schema.js';
import { ApiBodyErrors, ApiErrors, ApiUnavailable } from '../openapi/error-answers.js';
import { IdPipe } from '../validation/id.pipe.js';
import { CategoryAnswer, CategoryTreeAnswer } from './catalog-answers.js';
import type { VersionedCatalog } from './catalog-cache.js';
import { AtLeastVersion, catalogVersionHeader } from './catalog-version.js';
import { CatalogService } from './catalog.service.js';
import { NewName } from './new-name.js';

// The JSON is sent as it lies in the cache: it is a string here, and Express would call it HTML.
const json = 'application/json; charset=utf-8';

const versionHeader = {
  [catalogVersionHeader]: { description: 'How many changes it contains.', schema: { type: 'integer' } },
} as const;

function ApiCatalog(): MethodDecorator {
  return applyDecorators(
    Header('Content-Type', json),
    ApiHeader({
      name: catalogVersionHeader,
      required: false,
      description:
        'Waits for this version: send the version of a change to read that change. Else the last value is returned.',
      schema: { type: 'integer' },
    }),
    ApiOkResponse({ type: [CategoryTreeAnswer], headers: versionHeader }),
    ApiUnavailable('The catalog is not built yet, and its rebuild takes long (code CATALOG_BUSY).'),
  );
}

@ApiTags('Catalog')
@Controller()
export class CatalogController {
  constructor(private readonly catalog: CatalogService) {}

  @Get('catalog')
  @ApiCatalog()
  @ApiOperation({ summary: 'Reads all sections, as they were built last' })
  @ApiErrors({ 400: 'There is no such version.' })
  async readAll(@AtLeastVersion() version: number, @Res({ passthrough: true }) response: Response): Promise<string> {
    return answer(await this.catalog.catalog(version), response);
  }

  @Get('catalog/:section')
  @ApiCatalog()
  @ApiOperation({ summary: 'Reads one section, as it was built last' })
  @ApiErrors({ 400: 'There is no such version.', 404: 'There is no such section.' })
  async readSection(
    @Param('section') section: string,
    @AtLeastVersion() version: number,
    @Res({ passthrough: true }) response: Response,
  ): Promise<string> {
    return answer(await this.catalog.section(section, version), response);
  }

  @Patch('categories/:id')
  @ApiOperation({ summary: 'Renames a category; readers see it after the next rebuild' })
  @ApiOkResponse({ type: CategoryAnswer, headers: versionHeader })
  @ApiErrors({ 400: 'The id or the body is not valid.', 404: 'There is no such category.' })
  @ApiBodyErrors()
  @ApiUnavailable()
  async rename(
    @Param('id', IdPipe) id: number,
    @Body() { name }: NewName,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Category> {
    const { category, version } = await this.catalog.rename(id, name);
    response.set(catalogVersionHeader, String(version));
    return category;
  }
}

function answer({ version, json: body }: VersionedCatalog, response: Response): string {
  response.set(catalogVersionHeader, String(version));
  return body;
}
