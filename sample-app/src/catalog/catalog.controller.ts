import { Body, Controller, Get, Header, Inject, Param, Patch } from '@nestjs/common';
import type { Category } from '../database/schema.js';
import { IdPipe } from '../validation/id.pipe.js';
import { CatalogService } from './catalog.service.js';
import { NewName } from './new-name.js';

// The JSON is sent as it lies in the cache: it is a string here, and Express would call it HTML.
const json = 'application/json; charset=utf-8';

@Controller()
export class CatalogController {
  constructor(@Inject(CatalogService) private readonly catalog: CatalogService) {}

  @Get('catalog')
  @Header('Content-Type', json)
  readAll(): Promise<string> {
    return this.catalog.catalog();
  }

  @Get('catalog/:section')
  @Header('Content-Type', json)
  readSection(@Param('section') section: string): Promise<string> {
    return this.catalog.section(section);
  }

  @Patch('categories/:id')
  rename(@Param('id', IdPipe) id: number, @Body() { name }: NewName): Promise<Category> {
    return this.catalog.rename(id, name);
  }
}
