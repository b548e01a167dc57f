import { Body, Controller, Get, Header, Inject, Param, Patch } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Category } from '../database/schema.js';
import { ApiErrors, ApiLockErrors } from '../openapi/error-answers.js';
import { IdPipe } from '../validation/id.pipe.js';
import { CategoryAnswer, CategoryTreeAnswer } from './catalog-answers.js';
import { CatalogService } from './catalog.service.js';
import { NewName } from './new-name.js';

// The JSON is sent as it lies in the cache: it is a string here, and Express would call it HTML.
const json = 'application/json; charset=utf-8';

@ApiTags('Catalog')
@Controller()
export class CatalogController {
  constructor(@Inject(CatalogService) private readonly catalog: CatalogService) {}

  @Get('catalog')
  @Header('Content-Type', json)
  @ApiOperation({ summary: 'Reads all sections, from the cache or, once for all who wait, from the database' })
  @ApiOkResponse({ type: [CategoryTreeAnswer] })
  @ApiLockErrors()
  readAll(): Promise<string> {
    return this.catalog.catalog();
  }

  @Get('catalog/:section')
  @Header('Content-Type', json)
  @ApiOperation({ summary: 'Reads one section' })
  @ApiOkResponse({ type: [CategoryTreeAnswer] })
  @ApiErrors({ 404: 'There is no such section.' })
  @ApiLockErrors()
  readSection(@Param('section') section: string): Promise<string> {
    return this.catalog.section(section);
  }

  @Patch('categories/:id')
  @ApiOperation({ summary: 'Renames a category; the next reader of the catalog sees it' })
  @ApiOkResponse({ type: CategoryAnswer })
  @ApiErrors({ 400: 'The id or the body makes no sense.', 404: 'There is no such category.' })
  rename(@Param('id', IdPipe) id: number, @Body() { name }: NewName): Promise<Category> {
    return this.catalog.rename(id, name);
  }
}
